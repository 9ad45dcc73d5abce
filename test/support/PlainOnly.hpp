// Tests of sizes and places that are a plain build's: a checked one keeps marks beside its objects, and a pattern in them.
#pragma once

#include <boost/test/unit_test.hpp>
#include <flux/Misuse.hpp>

namespace flux::test {

inline boost::test_tools::assertion_result is_plain(boost::unit_test::test_unit_id) { return !kIsChecked; }

/// The decorator of such a test.
inline auto plain_only() { return boost::unit_test::precondition(&is_plain); }

}  // namespace flux::test
