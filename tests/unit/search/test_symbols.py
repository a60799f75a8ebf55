"""Names of definitions, as they are written elsewhere."""

import pytest

from cocosearch.search.symbols import read_symbol


@pytest.mark.parametrize(
    ("given", "dotted"),
    [
        ("retry", "retry"),
        ("Stack<T>.Push", "Stack.Push"),
        ("Map<K, List<V>>.put", "Map.put"),
        ("Stack[T].Push", "Stack.Push"),
        ("std::vector<int>::push_back(const T&)", "std.vector.push_back"),
        ("Acme::Stack#Push", "Acme.Stack.Push"),
        ("Stack->Push()", "Stack.Push"),
        ("Acme.Stack.Push(T item)", "Acme.Stack.Push"),
        ("public void Push(T item)", "Push"),
        ("def get_user_by_id(user_id):", "get_user_by_id"),
        ("class Stack:", "Stack"),
        ("func (s *Stack) Push(x int)", "Stack.Push"),
        ("main.(*Stack).Push", "main.Stack.Push"),
        ("(*Stack).Push", "Stack.Push"),
        ("App\\Models\\User::find", "App.Models.User.find"),
        ("com.acme.Stack$Inner.push", "com.acme.Stack.Inner.push"),
        ("obj:method", "obj.method"),
        ("`customer_orders`", "customer_orders"),
        ('"public"."orders"', "public.orders"),
        ("[dbo].[Orders]", "dbo.Orders"),
        ("@get_user_by_id", "get_user_by_id"),
        ("api/errors.py::get_user_by_id", "api.errors.get_user_by_id"),
        ("foo/2", "foo"),
        ("println!", "println"),
        ("operator<", "operator<"),
        ("訂單服務.取消", "訂單服務.取消"),
    ],
)
def test_a_name_is_found_in_the_spelling_of_the_index(given: str, dotted: str) -> None:
    assert dotted in read_symbol(given).dotted


@pytest.mark.parametrize("given", ["$scope", "save!", "operator[]", "Churn analysis", "a.b", "::"])
def test_the_name_as_it_is_written_counts_too(given: str) -> None:
    assert read_symbol(given).written[0] == given


@pytest.mark.parametrize("given", ["<" * 200, "[" * 200, "(" * 200, "<>" * 100, "a<" * 100 + ">" * 100, ".", "\\", "", " ", "'", "@@@"])
def test_signs_alone_are_no_fault(given: str) -> None:
    assert all(read_symbol(given).dotted)
    assert all(read_symbol(given).names)
