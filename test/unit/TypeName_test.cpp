// The names of types, as the compiler at hand spells them.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/detail/base/TypeName.hpp>
#include <flux/detail/heap/NamedDomain.hpp>
#include <string>
#include <string_view>

namespace type_names {

struct Orders;  // need not be complete
template <class T>
struct Box {
  struct Inner;
};
template <flux::detail::Name name>
struct Called;

}  // namespace type_names

BOOST_AUTO_TEST_SUITE(type_name)

namespace {

using flux::detail::kTypeName;

template <class T>
std::string_view name_of() {
  return kTypeName<T>.data();
}

template <class A, class B>
std::string_view name_of_local() {
  struct Local;
  return name_of<Local>();
}

}  // namespace

BOOST_AUTO_TEST_CASE(plain_types_have_their_names) {
  BOOST_TEST(name_of<int>() == "int");
  BOOST_TEST(name_of<void>() == "void");
  BOOST_TEST(name_of<type_names::Orders>() == "type_names::Orders");
  BOOST_TEST(name_of<type_names::Box<int>>() == "type_names::Box<int>");
  BOOST_TEST(name_of<type_names::Box<int>::Inner>() == "type_names::Box<int>::Inner");
}

BOOST_AUTO_TEST_CASE(brackets_within_a_name_stay) {
#if defined(__clang__)
  BOOST_TEST(name_of<type_names::Box<int[3]>>() == "type_names::Box<int[3]>");
#else
  BOOST_TEST(name_of<type_names::Box<int[3]>>() == "type_names::Box<int [3]>");
#endif
}

BOOST_AUTO_TEST_CASE(a_name_is_not_cut_where_it_looks_like_the_end_of_the_signature) {
  BOOST_TEST(name_of<type_names::Called<"a; std::b]">>().starts_with("type_names::Called<"));
  BOOST_TEST(name_of<type_names::Called<"a; std::b]">>().ends_with(">"));
  BOOST_TEST(name_of<type_names::Box<std::string_view>>().ends_with("<std::basic_string_view<char>>") !=
             name_of<type_names::Box<std::string_view>>().ends_with("<std::basic_string_view<char> >"));
}

BOOST_AUTO_TEST_CASE(local_types_and_those_of_unnamed_namespaces_have_names) {
  struct Local;
  BOOST_TEST(name_of<Local>().ends_with("Local"));
  BOOST_TEST((name_of_local<int, std::string_view>().ends_with("Local")));
  BOOST_TEST(name_of<decltype([] {})>().size() > 5u);
}

BOOST_AUTO_TEST_CASE(a_domain_without_a_tag_is_called_default_and_a_providers_by_its_name) {
  using flux::detail::domain_info;
  BOOST_TEST((std::string_view(domain_info<>.name) == "default"));
  BOOST_TEST((std::string_view(domain_info<type_names::Orders>.name) == "type_names::Orders"));
  using Named = flux::detail::NamedDomain<int, "a \"name\"">;
  BOOST_TEST((std::string_view(domain_info<Named>.name) == "a \"name\""));
}

BOOST_AUTO_TEST_SUITE_END()
