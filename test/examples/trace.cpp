// A timeline of what the heaps of three threads do, drawn to the file that is named. Compiled with FLUX_TRACE=1.
//
//   trace [FILE.svg]
#include <flux/Allocator.hpp>
#include <flux/Control.hpp>
#include <flux/Trace.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using List = std::list<long, flux::Allocator<long>>;

// What happened, when and on which thread: in memory that is there, because the function may not allocate.
struct Moment {
  Clock::time_point time;
  std::size_t thread;
  flux::Trace trace;
};
std::array<Moment, 100'000> moments;
std::atomic<std::size_t> count{0};
thread_local std::size_t thread_number = 0;

void note(const flux::Trace& trace) noexcept {
  const std::size_t place = count++;
  if (place < moments.size()) moments[place] = {Clock::now(), thread_number, trace};
}

// The first thread fills lists, the second frees them, the third fills and clears lists of its own.
constexpr int kLists = 8;
std::mutex mutex;
std::vector<List> handed_over;

bool is_taken() {
  const std::lock_guard lock(mutex);
  return handed_over.empty();
}

void fill() {
  thread_number = 0;
  for (int i = 0; i != kLists; ++i) {
    List list(3'000);
    {
      const std::lock_guard lock(mutex);
      handed_over.push_back(std::move(list));
    }
    while (!is_taken()) std::this_thread::yield();
  }
}

void free_what_came() {
  thread_number = 1;
  for (int left = kLists; left != 0;) {
    std::vector<List> lists;
    {
      const std::lock_guard lock(mutex);
      lists.swap(handed_over);
    }
    left -= static_cast<int>(lists.size());
    std::this_thread::yield();
  }
}

void fill_and_clear() {
  thread_number = 2;
  for (int i = 0; i != 4; ++i) List(10'000).clear();
  flux::trim();
}

// The picture: a row for each thread and kind of event, a line for each event, the taller the more it was about.

struct Kind {
  const char* name;
  const char* colour;
  const char* unit;
};
constexpr std::array<Kind, 7> kKinds{{{"refill", "#0072b2", "objects"},
                                      {"spill", "#d55e00", "objects"},
                                      {"post", "#cc79a7", "objects"},
                                      {"collect", "#009e73", "objects"},
                                      {"open region", "#000000", "bytes"},
                                      {"close region", "#000000", "bytes"},
                                      {"trim", "#e69f00", "bytes"}}};

std::string number(double value) {
  const std::string digits = std::to_string(value);
  return digits.substr(0, digits.find('.') + 2);
}

std::string line(double x, double y, const Moment& moment) {
  const Kind& kind = kKinds[static_cast<std::size_t>(moment.trace.event)];
  const double height = 2 + std::min(13.0, 1.3 * std::log2(1.0 + static_cast<double>(moment.trace.count)));
  std::string text = "<rect x='" + number(x) + "' y='" + number(y + 15 - height) + "' width='1' height='" + number(height) +
                     "' fill='" + kind.colour + "'><title>" + kind.name + ": " +
                     std::to_string(moment.trace.count) + ' ' + kind.unit;
  if (moment.trace.object_size != 0) text += " of " + std::to_string(moment.trace.object_size) + " bytes";
  return text + "</title></rect>\n";
}

std::string label(double x, double y, const std::string& text, const char* style = "") {
  return "<text x='" + number(x) + "' y='" + number(y) + "' " + style + '>' + text + "</text>\n";
}

std::string picture(Clock::time_point begin, Clock::time_point end) {
  constexpr double kLeft = 110, kWidth = 800, kRow = 20;
  const std::size_t last = std::min(count.load(), moments.size());
  const auto at = [=](Clock::time_point time) { return kLeft + kWidth * ((time - begin) / 1.0 / (end - begin)); };
  std::string text;
  double y = 8;
  for (std::size_t thread = 0; thread != 3; ++thread) {
    text += label(8, y + 14, "thread " + std::to_string(thread + 1), "font-weight='bold'");
    for (std::size_t kind = 0; kind != kKinds.size(); ++kind) {
      const auto is_meant = [=](const Moment& moment) {
        return moment.thread == thread && static_cast<std::size_t>(moment.trace.event) == kind;
      };
      if (std::none_of(moments.begin(), moments.begin() + static_cast<std::ptrdiff_t>(last), is_meant)) continue;
      y += kRow;
      text += label(20, y + 12, kKinds[kind].name);
      text += "<path d='M" + number(kLeft) + ' ' + number(y + 15.5) + "h800' stroke='#ddd'/>\n";
      for (std::size_t i = 0; i != last; ++i)
        if (is_meant(moments[i])) text += line(at(moments[i].time), y, moments[i]);
    }
    y += kRow + 8;
  }
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(end - begin).count();
  text += label(kLeft, y + 12, "0") + label(kLeft + kWidth, y + 12, std::to_string(microseconds) + " us", "text-anchor='end'");
  text += label(kLeft + kWidth / 2, y + 12, "an event each, the taller the more objects or bytes", "text-anchor='middle'");
  const std::string size = "width='920' height='" + number(y + 20) + "'";
  return "<svg xmlns='http://www.w3.org/2000/svg' " + size + " font-family='sans-serif' font-size='12'>\n<rect " + size +
         " fill='white'/>\n" + text + "</svg>\n";
}

}  // namespace

int main(int argument_count, char** arguments) {
  flux::set_trace(note);                              // from here on, by all threads

  const Clock::time_point begin = Clock::now();
  std::vector<std::thread> threads;
  for (void (*const work)() : {fill, free_what_came, fill_and_clear}) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  const Clock::time_point end = Clock::now();

  flux::set_trace(nullptr);

  std::ofstream file(argument_count > 1 ? arguments[1] : "/dev/null");
  file << picture(begin, end);
  return file.flush() && count > 0 ? 0 : 1;
}
