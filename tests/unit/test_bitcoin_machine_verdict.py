"""Errors are the names of the vectors, with a node's sentence beside each."""

from lodestamp.core.bitcoin import ScriptError


def test_each_error_is_its_name_and_has_a_sentence_of_its_own():
    assert all(error == error.name == error.value for error in ScriptError)
    sentences = [error.text for error in ScriptError]
    assert all(sentences)
    assert len(set(sentences)) == len(sentences)


def test_an_error_is_found_by_its_name():
    assert ScriptError("NULLFAIL") is ScriptError.NULLFAIL
    assert ScriptError("NULLFAIL").text.startswith("Signature must be zero")
