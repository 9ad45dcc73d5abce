// Every container that flux is meant for, each beside its twin with std::allocator.
#pragma once

#include <boost/container/deque.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/container/list.hpp>
#include <boost/container/map.hpp>
#include <boost/container/set.hpp>
#include <boost/container/slist.hpp>
#include <boost/container/stable_vector.hpp>
#include <boost/container/vector.hpp>
#include <deque>
#include <flux/Allocator.hpp>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace flux::test {

template <class Ours, class Theirs>
struct Twins {
  using Flux = Ours;
  using Std = Theirs;
};

template <template <class...> class Container, class Value>
using SequenceTwins =
    Twins<Container<Value, flux::Allocator<Value>>, Container<Value, std::allocator<Value>>>;

template <template <class...> class Container, class Key>
using SetTwins = Twins<Container<Key, std::less<Key>, flux::Allocator<Key>>,
                       Container<Key, std::less<Key>, std::allocator<Key>>>;

template <template <class...> class Container, class Key, class Value,
          class Pair = std::pair<const Key, Value>>
using MapTwins = Twins<Container<Key, Value, std::less<Key>, flux::Allocator<Pair>>,
                       Container<Key, Value, std::less<Key>, std::allocator<Pair>>>;

template <template <class...> class Container, class Key>
using UnorderedSetTwins = Twins<Container<Key, std::hash<Key>, std::equal_to<Key>, flux::Allocator<Key>>,
                                Container<Key, std::hash<Key>, std::equal_to<Key>, std::allocator<Key>>>;

template <template <class...> class Container, class Key, class Value,
          class Pair = std::pair<const Key, Value>>
using UnorderedMapTwins =
    Twins<Container<Key, Value, std::hash<Key>, std::equal_to<Key>, flux::Allocator<Pair>>,
          Container<Key, Value, std::hash<Key>, std::equal_to<Key>, std::allocator<Pair>>>;

template <template <class...> class Container, class Key, class Value>
using FlatMapTwins = MapTwins<Container, Key, Value, std::pair<Key, Value>>;

using SequencesOfTwins =
    std::tuple<SequenceTwins<std::list, std::string>, SequenceTwins<std::forward_list, long>,
               SequenceTwins<std::vector, std::string>, SequenceTwins<std::vector, bool>,
               SequenceTwins<std::deque, std::string>, SequenceTwins<boost::container::list, std::string>,
               SequenceTwins<boost::container::slist, long>, SequenceTwins<boost::container::vector, long>,
               SequenceTwins<boost::container::deque, long>,
               SequenceTwins<boost::container::stable_vector, std::string>>;

using SetsOfTwins =
    std::tuple<SetTwins<std::set, std::string>, SetTwins<std::multiset, long>,
               UnorderedSetTwins<std::unordered_set, std::string>,
               UnorderedSetTwins<std::unordered_multiset, long>, SetTwins<boost::container::set, std::string>,
               SetTwins<boost::container::multiset, long>>;

using MapsOfTwins =
    std::tuple<MapTwins<std::map, std::string, std::string>, MapTwins<std::multimap, long, long>,
               UnorderedMapTwins<std::unordered_map, std::string, std::string>,
               UnorderedMapTwins<std::unordered_multimap, long, long>,
               MapTwins<boost::container::map, long, long>, MapTwins<boost::container::multimap, long, long>,
               FlatMapTwins<boost::container::flat_map, long, long>>;

/// The value number `number` of a type: equal numbers give equal values.
template <class Value>
Value value_of(std::size_t number) {
  if constexpr (std::is_same_v<Value, std::string>)
    return "value " + std::string(number % 40, '-') + std::to_string(number);
  else if constexpr (std::is_same_v<Value, bool>)
    return number % 2 == 1;
  else
    return static_cast<Value>(number);
}

/// The element number `number` of a container.
template <class Container>
auto element_of(std::size_t number) {
  using Key = typename Container::value_type;
  if constexpr (requires { typename Container::mapped_type; })
    return std::pair(value_of<typename Container::key_type>(number),
                     value_of<typename Container::mapped_type>(number));
  else
    return value_of<Key>(number);
}

}  // namespace flux::test
