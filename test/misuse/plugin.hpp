// What plugin.cpp offers.
#pragma once

struct Order {
  long words[8];
};

using PluginKeep = void(int);  ///< so many objects, until the library ends
using PluginMake = Order*();   ///< an object
