#!/usr/bin/env python3
"""Runs the recipe for Conan as Conan would, with stand-ins for its modules.

    check_conan.py SOURCE_DIR COMPILER
"""

import fnmatch
import importlib.util
import pathlib
import shutil
import sys
import tempfile
import types

import sources


class StandInCMake:
    """conan.tools.cmake.CMake, which runs cmake."""

    compiler = None

    def __init__(self, recipe):
        self.recipe = recipe

    def configure(self):
        variables = [f"-D{name}={'ON' if value else 'OFF'}" for name, value in self.recipe.cache_variables.items()]
        sources.run("cmake", "-S", self.recipe.source_folder, "-B", self.recipe.build_folder,
                    f"-DCMAKE_CXX_COMPILER={self.compiler}", *variables)

    def install(self):
        sources.run("cmake", "--install", self.recipe.build_folder, "--prefix", self.recipe.package_folder)


class StandInToolchain:
    """conan.tools.cmake.CMakeToolchain."""

    def __init__(self, recipe):
        self.recipe = recipe
        self.cache_variables = {}

    def generate(self):
        self.recipe.cache_variables = self.cache_variables


def copy(_recipe, pattern, src, dst):
    for file in pathlib.Path(src).rglob("*"):
        relative = file.relative_to(src).as_posix()
        if file.is_file() and fnmatch.fnmatch(relative, pattern):
            (pathlib.Path(dst) / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, pathlib.Path(dst) / relative)


def stand_in(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module


def set_stand_ins(standards):
    """`standards` collects the standards that the recipe asks for."""
    stand_in("conan", ConanFile=object)
    stand_in("conan.errors", ConanInvalidConfiguration=ValueError)
    stand_in("conan.tools")
    stand_in("conan.tools.build", check_min_cppstd=lambda recipe, standard: standards.append(standard))
    stand_in("conan.tools.cmake", CMake=StandInCMake, CMakeToolchain=StandInToolchain)
    stand_in("conan.tools.files", copy=copy, load=lambda recipe, path: pathlib.Path(path).read_text(),
             rmdir=lambda recipe, path: shutil.rmtree(path, ignore_errors=True))


def load_recipe(path):
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("conanfile", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    recipe = module.FluxRecipe()
    recipe.recipe_folder = str(path.parent)
    return recipe


def check_attributes(root, recipe):
    sources.expect("name", recipe.name, "flux")
    sources.expect("license", recipe.license, sources.licence(root))
    sources.expect("description", recipe.description, sources.description(root))
    sources.expect("package_type", recipe.package_type, "header-library")
    recipe.set_version()
    sources.expect("version", recipe.version, sources.version(root))


def check_validation(recipe, standards):
    recipe.settings = types.SimpleNamespace(os="Linux")
    recipe.validate()
    sources.expect("standards asked for", standards, [20])
    recipe.settings.os = "Windows"
    try:
        recipe.validate()
    except ValueError:
        return
    sys.exit("Windows was not refused")


class CppInfo:
    """What conan calls cpp_info."""

    def __init__(self):
        self.properties = {}
        self.set_property = self.properties.__setitem__


def check_package(root, recipe, folder):
    recipe.export_sources_folder = recipe.source_folder = str(folder / "sources")
    recipe.build_folder, recipe.package_folder = str(folder / "build"), str(folder / "package")
    recipe.export_sources()
    recipe.generate()
    recipe.build()
    recipe.package()
    recipe.cpp_info = CppInfo()
    recipe.package_info()
    (cmake_files,) = recipe.cpp_info.builddirs
    sources.expect("who writes flux-config.cmake", recipe.cpp_info.properties["cmake_find_mode"], "none")
    wanted = {f"include/{header}" for header in sources.headers(root)}
    wanted |= {f"{cmake_files}/{name}" for name in sources.CMAKE_FILES}
    wanted |= {"share/pkgconfig/flux.pc", "share/gdb/flux-gdb.py", "licenses/LICENSE"}
    sources.expect("packaged", sources.files_below(folder / "package"), wanted)


def main(arguments):
    root = sources.root_from(arguments)
    StandInCMake.compiler = arguments[1]
    standards = []
    set_stand_ins(standards)
    recipe = load_recipe(root / "cmake/conan/conanfile.py")
    check_attributes(root, recipe)
    check_validation(recipe, standards)
    with tempfile.TemporaryDirectory() as folder:
        check_package(root, recipe, pathlib.Path(folder))
    print(f"{recipe.name}/{recipe.version}")


if __name__ == "__main__":
    main(sys.argv[1:])
