"""Which files stand behind others."""

import pytest

from cocosearch.lexicon.file_kinds import FileKind, file_kinds_of


@pytest.mark.parametrize(
    "path",
    [
        *("tests/test_a.py", "src/test/java/A.java", "a/__tests__/b.ts", "spec/models/user.rb", "testdata/x.json", "pkg/fixtures/a.sql"),
        *("a/test_b.py", "conftest.py", "a/b_test.go", "a_spec.rb", "a.test.tsx", "a.spec.js", "UserTest.kt", "UserTests.swift", "a.bats"),
        *("Tests/AlamofireTests/Helpers.swift", "Newtonsoft.Json.Tests/Data.cs", "Api.UnitTests/Data.cs", "a/test-utils/render.tsx"),
        *("core/src/commonTest/kotlin/Fakes.kt", "app/src/androidTest/java/Rules.java", "integration-tests/a.rs", "functional_tests/b.py"),
        *("src/tests.rs", "src/parser/test.rs", "app/tests.py", "src/a_test.rs", "src/a_tests.rs", "lib/a-test.js", "a_unittest.cc"),
        *("t/basic.t", "test_parser.c", "a/__snapshots__/b.snap", "ParserTests.m", "ParserTest.cpp", "parserTest.ts", "cypress/login.ts"),
    ],
)
def test_tests_by_the_conventions_of_their_language(path: str) -> None:
    assert file_kinds_of(path) == {FileKind.TEST}


@pytest.mark.parametrize(
    "path",
    [
        "examples/a.py",
        "Samples/b.cs",
        "benchmarks/c.rs",
        "demo/d.js",
        "bench/Jmh.scala",
        "tutorial/1.py",
        "react-examples/e.tsx",
        "example_app/f.rb",
        "g.stories.tsx",
    ],
)
def test_examples(path: str) -> None:
    assert file_kinds_of(path) == {FileKind.EXAMPLE}


@pytest.mark.parametrize(
    "path",
    [
        *("README", "README.md", "a/b/guide.rst", "docs/conf.py", "CHANGELOG.md", "CHANGES.rst", "LICENSE", "LICENSE-MIT", "LICENCE.txt"),
        *("COPYING", "COPYING.LESSER", "notes.adoc", "UPGRADING.md", "CONTRIBUTING.markdown", "README.pod", "AUTHORS", "guide.ipynb"),
        *("docs-src/conf.js", "doc_site/a.ts", "documentation-website/a.kt", "paper.tex", "a.org", "b.livemd"),
    ],
)
def test_documents(path: str) -> None:
    assert file_kinds_of(path) == {FileKind.DOCUMENT}


@pytest.mark.parametrize(
    "path",
    [
        *("vendor/a.go", "web/node_modules/b.js", "dist/c.js", "d.min.js", "e.pb.go", "f_pb2.py", "package-lock.json", "uv.lock", "go.sum"),
        *("pip/_vendor/a.py", "thirdparty/b.c", "Pods/c.m", "__generated__/d.ts", "Form.Designer.cs", "e.freezed.dart", "pnpm-lock.yaml"),
        *("zz_generated.deepcopy.go", "bundle.js.map"),
    ],
)
def test_generated_and_vendored_files(path: str) -> None:
    assert file_kinds_of(path) == {FileKind.GENERATED}


@pytest.mark.parametrize(
    "path",
    [
        *("src/a.py", "contest.py", "latest.go", "attestation/a.rs", "inspector.rb", "Testimony.java", "protest/a.py", "src/testing.py"),
        *(
            "history.py",
            "src/changeset.ex",
            "newsletter.ts",
            "license_check.go",
            "changes.rs",
            "readme_parser.py",
            "doctor.py",
            "lockfile.py",
        ),
        *("distance/a.c", "vendors.py", "exampled.py", "Latest/a.cs", "contests/b.kt", "src/doc_parser/c.py", "examplesque/d.rb", ""),
        *("pkg/kubelet/pods/a.go", "src/qt_designer.py", "maps/level.map", "OpenApiSpecs/a.cs"),
    ],
)
def test_a_name_that_only_begins_alike_is_no_noise(path: str) -> None:
    assert file_kinds_of(path) == frozenset()


def test_a_file_may_be_several_things() -> None:
    assert file_kinds_of("docs/examples/test_a.py") == {FileKind.DOCUMENT, FileKind.EXAMPLE, FileKind.TEST}
