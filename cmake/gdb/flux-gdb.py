"""What gdb says of flux in a stopped process or in a core, of programs compiled with -g.

    (gdb) source .../share/gdb/flux-gdb.py     or the same line in ~/.gdbinit
    (gdb) info flux

prints what flux::stats() would, and where each thread's heaps are. Values of flux::Allocator, flux::Heap and flux::Handle read as
what they are, and `step` does not go into flux's functions (`skip delete` has it do so again).
"""

import re
import struct

import gdb
import gdb.printing

UNIT_BYTES = 64 << 10
BLOCK_BYTES = 2 << 20
SLOT_BITS, INDEX_BITS = 10, 30


# Values and memory.

def first_field(record):
    return next(field for field in record.fields() if hasattr(field, "bitpos"))


def first_member(value):
    return value[first_field(value.type.strip_typedefs())]


def scalar(value):
    """The number in an atomic, a Count, or whatever else holds one alone."""
    while value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
        value = first_member(value)
    return int(value)


def numbers(value):
    """The numbers of an array, or of the structs in it, all of one type; read at once, because one by one they take a while."""
    number = value.type.strip_typedefs()
    while number.code in (gdb.TYPE_CODE_ARRAY, gdb.TYPE_CODE_STRUCT):
        inner = number.target() if number.code == gdb.TYPE_CODE_ARRAY else first_field(number).type
        number = inner.strip_typedefs()
    # The program's sizes and byte order: these need not be those of gdb's own machine.
    form = {4: "i", 8: "q"}[number.sizeof]
    is_signed = int(gdb.Value(-1).cast(number)) < 0
    is_little = int(gdb.Value(b"\1" + bytes(number.sizeof - 1), number)) == 1
    memory = gdb.selected_inferior().read_memory(int(value.address), value.type.sizeof)
    count = value.type.sizeof // number.sizeof
    return struct.unpack(f"{'<' if is_little else '>'}{count}{form if is_signed else form.upper()}", memory)


def variables(name):
    """The values of a global variable, one for each program or library that has one."""
    found = {}
    for objfile in gdb.objfiles():
        symbol = objfile.lookup_global_symbol(name) or objfile.lookup_static_symbol(name)
        if symbol is not None:
            value = symbol.value()
            found[None if value.address is None else int(value.address)] = value  # a constant may have no address
    return list(found.values())


def namespaces():
    """Those of all copies of flux: the names of flux lie in an inline namespace that depends on how a program was compiled."""
    listing = gdb.execute("info variables -q -n ^flux::.*detail::heap_list$", to_string=True)
    return sorted(set(re.findall(r"(flux::(?:\w+::)?)detail::heap_list;", listing)))


def plural(number, what):
    return f"{number} {what}{'' if number == 1 else 's'}"


# Heaps.

class Classes:
    """What the engine knows of size classes, in a copy of flux."""

    def __init__(self, namespace):
        tables = variables(namespace + "detail::kSizeClassInfo")
        if not tables:
            raise gdb.GdbError("flux: the program has no debugging information about its size classes")
        table = first_member(tables[0])
        low, high = table.type.strip_typedefs().range()
        rows = [table[i] for i in range(low, high + 1)]
        self.strides, self.units, self.capacities = ([int(row[name]) for row in rows] for name in ("stride", "units", "capacity"))


class Slabs:
    """The slabs of a heap, of a thread or of the program's own, and what is in its bins; lists by size class."""

    def __init__(self, heap):
        home = heap["home_"]
        bins = heap["bins_"]["own_"]["bins"]
        source = home["source_"]
        levels = numbers(bins["bins"])
        self.slabs = numbers(home["slabs_"])
        self.home = numbers(home["home_"])
        self.in_bins = [level - bottom for level, bottom in zip(levels[::2], levels[1::2])]
        self.freed_elsewhere = numbers(bins["freed_elsewhere"])
        self.open_run = (int(bins["open_run"]["above_"]), int(bins["open_run"]["below_"]))
        self.regions = scalar(source["regions_"])
        self.retained = scalar(source["dirty_units_"]) * UNIT_BYTES
        self.committed = scalar(source["committed_blocks_"]) * BLOCK_BYTES
        self.reserved = scalar(source["reserved_bytes_"])

    def in_open_run(self, size_class, stride):
        """Objects of the class in the open run. As OpenRun::get_remote: bits 48 to 55 of a place are its class."""
        above, below = self.open_run
        return (above - below) // stride - 1 if above != 0 and above >> 48 & 0xFF == size_class else 0


class ThreadHeap:
    def __init__(self, heap):
        self.address = int(heap.address)
        self.domain = heap["domain_"].dereference()
        self.is_owned = scalar(heap["is_owned_"]) != 0
        self.is_lost = scalar(heap["is_lost_"]) != 0
        self.thread_id = int(heap["owner_outbox"]["thread_id_"])
        self.slow_calls = scalar(heap["slow_calls_"])
        self.posted = scalar(heap["attendance_"]["posts_"])
        self.chains = scalar(heap["arrivals_"]["chains_"])
        self.collected = numbers(heap["collected_"])
        self.slabs = Slabs(heap)

    def owner(self, threads):
        if self.is_lost:
            return "lost in a fork"
        if not self.is_owned:
            return "parked, its thread has ended"
        return threads.get(self.thread_id, f"of a thread that flux was not told the end of (LWP {self.thread_id})")


def thread_heaps(namespace):
    """The oldest first."""
    heaps = []
    for heap_list in variables(namespace + "detail::heap_list"):
        pointer_type = gdb.lookup_type(namespace + "detail::ThreadHeap").pointer()
        address = scalar(heap_list["newest"])
        while address != 0:
            heap = gdb.Value(address).cast(pointer_type).dereference()
            heaps.append(ThreadHeap(heap))
            address = int(heap["next_made"])
    return heaps[::-1]


def by_domain(heaps):
    domains = {}
    for heap in heaps:
        domains.setdefault(int(heap.domain.address), []).append(heap)
    return domains.values()


def class_rows(classes, heaps):
    """For each class with a slab: its stride, slabs, objects, live and free ones. As ClassCount in detail/heap/Census.hpp."""
    freed = numbers(heaps[0].domain["freed_elsewhere"])
    rows = []
    for c, stride in enumerate(classes.strides):
        slabs = sum(heap.slabs.slabs[c] for heap in heaps)
        gone = freed[c] + sum(heap.slabs.freed_elsewhere[c] - heap.collected[c] for heap in heaps)
        gone += sum(heap.slabs.in_open_run(c, stride) for heap in heaps)
        gone += sum(heap.slabs.home[c] + heap.slabs.in_bins[c] for heap in heaps if heap.slabs.slabs[c])
        if slabs:
            objects = slabs * classes.capacities[c]
            live = objects - min(objects, max(gone, 0))
            rows.append((stride, slabs, objects, live, objects - live))
    return rows


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  ".join(cells))


def print_statistics(namespace):
    """The table that flux/StatisticsText.hpp writes, and below each tag's line one for each of its heaps."""
    classes = Classes(namespace)
    domains = list(by_domain(thread_heaps(namespace)))
    table = [("tag", "object size", "slabs", "objects", "live", "free")]
    live_bytes = []
    for heaps in domains:
        rows = class_rows(classes, heaps)
        table += [(tag_of(heaps), *map(str, row)) for row in rows]
        live_bytes.append(sum(row[0] * row[3] for row in rows))
    print_table(table)
    threads = {thread.ptid[1]: f"of thread {thread.num} (LWP {thread.ptid[1]})" for thread in gdb.selected_inferior().threads()}
    for heaps, live in zip(domains, live_bytes):
        print(f"{tag_of(heaps)}: " + " ".join(f"{name} {number}" for name, number in domain_numbers(heaps, live)))
        for heap in heaps:
            slabs = heap.slabs
            print(f"  heap {heap.address:#x}, {heap.owner(threads)}: {plural(slabs.regions, 'region')}, "
                  f"{plural(sum(slabs.slabs), 'slab')}, {slabs.retained} bytes retained, {slabs.committed} committed")


def tag_of(heaps):
    return re.sub(r"[\x00-\x1f]", "?", heaps[0].domain["name"].string(errors="replace"))


def domain_numbers(heaps, live):
    return [("heaps", len(heaps)),
            ("parked_heaps", sum(not heap.is_owned for heap in heaps)),
            ("bytes_live", live),
            ("bytes_retained", sum(heap.slabs.retained for heap in heaps)),
            ("bytes_committed", sum(heap.slabs.committed for heap in heaps)),
            ("bytes_reserved", sum(heap.slabs.reserved for heap in heaps)),
            ("slow_calls", sum(heap.slow_calls for heap in heaps)),
            ("chains_posted", sum(heap.posted for heap in heaps)),
            ("chains_collected", sum(heap.chains for heap in heaps))]


class InfoFlux(gdb.Command):
    """Prints what memory flux has, by tag, size class and thread heap.

Numbers are exact unless a thread was stopped inside of flux."""

    def __init__(self):
        super().__init__("info flux", gdb.COMMAND_STATUS)

    def invoke(self, _argument, _from_tty):
        found = namespaces()
        if not found:
            raise gdb.GdbError("flux: no variable of flux is known here: no program, no debugging information (-g), "
                               "or nothing of it uses flux")
        for namespace in found:
            if len(found) > 1:
                print(f"{namespace}")
            if thread_heaps(namespace):
                print_statistics(namespace)
            elif "_passthrough" in namespace:
                print("compiled with FLUX_PASSTHROUGH=1: everything is of operator new")
            else:
                print("no thread has a heap yet")


# Values of the public types.

def namespace_of(value):
    return re.match(r"flux::(?:\w+::(?=\w+<|Heap))?", gdb.types.get_basic_type(value.type).name)[0]


class AllocatorPrinter:
    def __init__(self, value):
        self._type = gdb.types.get_basic_type(value.type)

    def to_string(self):
        tag = str(self._type.template_argument(1))
        return f"flux allocator, tag {'default' if tag == 'void' else tag}"


class HeapPrinter:
    """Of a flux::Heap; of its allocators and resources, which point to it, too."""

    def __init__(self, value):
        self._pointer = value["heap_"]
        if "InstanceHeap" not in str(self._pointer.type):
            self._pointer = self._pointer.dereference()["heap_"]
        self._namespace = namespace_of(value)

    def to_string(self):
        heap = self._pointer.dereference()
        slabs, classes = Slabs(heap), Classes(self._namespace)
        used = sum(count * units for count, units in zip(slabs.slabs, classes.units)) + int(heap["large_units_"])
        return (f"flux heap at {int(self._pointer):#x}: {used * UNIT_BYTES} bytes used, {plural(sum(slabs.slabs), 'slab')}, "
                f"{slabs.retained} bytes retained")

    def children(self):
        slabs, classes = Slabs(self._pointer.dereference()), Classes(self._namespace)
        for c, stride in enumerate(classes.strides):
            if slabs.slabs[c]:
                objects = slabs.slabs[c] * classes.capacities[c]
                live = objects - slabs.home[c] - slabs.in_bins[c]
                yield f"of {stride} bytes", f"{live} live of {objects} in {plural(slabs.slabs[c], 'slab')}"


class HandlePrinter:
    def __init__(self, value):
        self._bits = int(value["bits_"])
        self._namespace = namespace_of(value)

    def to_string(self):
        if self._bits == 0:
            return "flux handle of nothing"
        index = self._bits & (1 << INDEX_BITS) - 1
        block, slot = index >> SLOT_BITS, index & (1 << SLOT_BITS) - 1
        return f"flux handle of block {block}, slot {slot}, generation {self._bits >> INDEX_BITS}{self._fate(block, slot)}"

    def _fate(self, block, slot):
        """Whether the object lives. A handle does not say which copy of flux made it: all are asked."""
        block_type = gdb.lookup_type(self._namespace + "detail::SlotBlock").pointer()
        directories = variables(self._namespace + "detail::block_directory")
        alive = sum(self._is_alive_in(first_member(directory["entries_"])[block], block_type, slot) for directory in directories)
        if alive == 0:
            return ", gone"
        return ", alive" if alive == len(directories) else f", alive in {alive} of {len(directories)} copies of flux"

    def _is_alive_in(self, entry, block_type, slot):
        """A slot says so by holding the handle's own bits."""
        if int(entry["owner"]) == 0:
            return False
        header = gdb.Value(int(entry["word"])).cast(block_type)
        words = (header + 1).cast(entry["word"].type.pointer())
        return slot < int(header["fresh"]) and int(words[slot]) == self._bits


def register():
    printers = gdb.printing.RegexpCollectionPrettyPrinter("flux")
    printers.add_printer("Allocator", r"^flux::(\w+::)?(Burst)?Allocator<", AllocatorPrinter)
    printers.add_printer("Heap", r"^flux::(\w+::)?Heap(Allocator<.*|Resource)?$", HeapPrinter)
    printers.add_printer("Handle", r"^flux::(\w+::)?Handle<", HandlePrinter)
    gdb.printing.register_pretty_printer(gdb.current_objfile(), printers, replace=True)
    InfoFlux()
    if "^flux::" not in gdb.execute("info skip", to_string=True):
        gdb.execute("skip -rfu ^flux::", to_string=True)


register()
