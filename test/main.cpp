// Entry of flux_test: random order, from a seed that is drawn, printed, and replayed with FLUX_TEST_SEED.
#include <unistd.h>

#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/Seed.hpp"

namespace {

constexpr std::string_view kRandomOption = "--random=";
unsigned run_seed = 0;

struct Outcome : boost::unit_test::test_observer {
  unsigned long passed = 0;
  unsigned long failed = 0;
  bool is_complete = false;

  void test_finish() override {
    const auto all = boost::unit_test::framework::master_test_suite().p_id;
    const auto& results = boost::unit_test::results_collector.results(all);
    passed = results.p_test_cases_passed + results.p_test_cases_warned;
    failed = results.p_test_cases_failed + results.p_test_cases_timed_out;
    is_complete = true;
  }
  void test_aborted() override { is_complete = false; }
  int priority() override { return 100; }  // after the results collector
};

Outcome outcome;

// 0 and 1 mean "no shuffling" and "by the clock" to Boost.Test.
unsigned draw_seed() {
  std::random_device device;
  return std::uniform_int_distribution<unsigned>(2, 0x7fffffff)(device);
}

unsigned parse_seed(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 2) {
    std::fprintf(stderr, "flux_test: a seed is a number from 2 on, not '%.*s'\n",
                 static_cast<int>(text.size()), text.data());
    std::exit(2);
  }
  return value;
}

unsigned choose_seed(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments)
    if (argument.starts_with(kRandomOption)) return parse_seed(argument.substr(kRandomOption.size()));
  if (const char* given = std::getenv("FLUX_TEST_SEED")) return parse_seed(given);
  return draw_seed();
}

bool set_up() {
  boost::unit_test::framework::register_observer(outcome);
  return true;
}

}  // namespace

unsigned flux::test::seed() noexcept { return run_seed; }

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv, argv + argc);
  run_seed = choose_seed(arguments);
  std::erase_if(arguments, [](const std::string& argument) { return argument.starts_with(kRandomOption); });
  arguments.insert(arguments.begin() + 1, std::string(kRandomOption) + std::to_string(run_seed));
  arguments.insert(arguments.begin() + 1,
                   "--catch_system_errors=no");  // leaves them to the tools that watch a run
  if (isatty(STDOUT_FILENO) == 0) arguments.insert(arguments.begin() + 1, "--color_output=no");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);

  std::printf("flux_test: seed %u (replay with FLUX_TEST_SEED=%u)\n", run_seed, run_seed);
  std::fflush(stdout);
  const int code =
      boost::unit_test::unit_test_main(set_up, static_cast<int>(arguments.size()), pointers.data());
  std::fflush(stderr);
  if (outcome.is_complete)
    std::printf("flux_test: %lu passed, %lu failed, seed %u\n", outcome.passed, outcome.failed, run_seed);
  return code;
}
