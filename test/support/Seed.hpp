// The seed of this run: printed by main, replayed with FLUX_TEST_SEED=<seed> or --random=<seed>.
#pragma once

namespace flux::test {

unsigned seed() noexcept;

}  // namespace flux::test
