// What the fuzzer found worth keeping, and inputs of this run's own, through the bodies that it drives: with any compiler,
// and wherever the tests run.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/Targets.hpp"
#include "support/Random.hpp"
#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(fuzzed)

namespace {

using namespace flux::test;
using Bytes = std::vector<std::uint8_t>;

/// The committed inputs of a target, in the order of their names.
std::vector<Bytes> corpus_of(const std::string& target) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(FLUX_TEST_CORPUS "/" + target))
    paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::vector<Bytes> inputs;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

/// Bytes of any kind, or a part of one input before a part of another, with some bytes changed.
Bytes draw(const std::vector<Bytes>& corpus, Random& random) {
  Bytes bytes;
  if (random.below(3) == 0) {
    bytes.resize(random.below(250));
    std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random()); });
    return bytes;
  }
  const Bytes& head = corpus[random.below(corpus.size())];
  const Bytes& tail = corpus[random.below(corpus.size())];
  bytes.assign(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(random.below(head.size() + 1)));
  bytes.insert(bytes.end(), tail.begin() + static_cast<std::ptrdiff_t>(random.below(tail.size() + 1)),
               tail.end());
  for (std::size_t left = random.below(4); left != 0 && !bytes.empty(); --left)
    bytes[random.below(bytes.size())] = static_cast<std::uint8_t>(random());
  return bytes;
}

/// The bytes of a failed input, for a file that the fuzzer can be given.
std::string in_hexadecimal(const Bytes& bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) (text += kDigits[byte >> 4]) += kDigits[byte & 15];
  return text;
}

/// What a body has to say of an input; an empty text when all is well.
std::string complaint_about(void (*body)(fuzz::Data), const Bytes& bytes) {
  try {
    body(bytes);
  } catch (const std::exception& failure) {
    return std::string(failure.what()) + ": " + in_hexadecimal(bytes);
  }
  return {};
}

void replay(void (*body)(fuzz::Data), const std::string& target, std::size_t count) {
  const std::vector<Bytes> corpus = corpus_of(target);
  BOOST_REQUIRE(!corpus.empty());
  BOOST_TEST(complaint_about(body, {}) == "");
  for (const Bytes& input : corpus) BOOST_TEST(complaint_about(body, input) == "");
  Random random(std::hash<std::string>{}(target));
  for (std::size_t left = scaled(count); left != 0; --left)
    BOOST_TEST(complaint_about(body, draw(corpus, random)) == "");
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_stateless_faces_agree_with_a_model_whatever_is_asked_of_them) {
  replay(fuzz::fuzz_allocator, "allocator", 200);
}

BOOST_AUTO_TEST_CASE(thread_heaps_lose_nothing_and_give_nothing_twice_whatever_is_done_to_them) {
  replay(fuzz::fuzz_engine, "engine", 200);
}

BOOST_AUTO_TEST_CASE(heaps_that_are_dropped_whole_agree_with_a_model_and_keep_their_limits) {
  replay(fuzz::fuzz_heap, "heap", 200);
}

BOOST_AUTO_TEST_CASE(pools_know_their_live_objects_whatever_handles_they_are_given) {
  replay(fuzz::fuzz_handle_pool, "handle_pool", 200);
}

BOOST_AUTO_TEST_CASE(pools_of_buffers_take_good_classes_only_and_agree_with_a_model) {
  replay(fuzz::fuzz_buffer_pool, "buffer_pool", 200);
}

BOOST_AUTO_TEST_CASE(the_reader_of_order_flows_takes_any_bytes_and_names_the_line_that_is_wrong) {
  replay(fuzz::fuzz_lobster, "lobster", 2000);
}

BOOST_AUTO_TEST_CASE(variables_say_sizes_or_words_and_all_else_is_told_of) {
  replay(fuzz::fuzz_settings, "settings", 2000);
}

BOOST_AUTO_TEST_SUITE_END()
