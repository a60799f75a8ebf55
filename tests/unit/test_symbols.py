"""Names that a piece of code defines, for each language; and the language by the file's name."""

import time

import pytest

from cocosearch.indexing.languages import detect_language
from cocosearch.indexing.symbols import MAX_SYMBOLS, symbols_of

CODE: dict[str, tuple[str, list[str]]] = {
    "python": (
        """
        @decorated
        class Client(Base):
            async def fetch(self): ...
            def _private(self):
                return define(x)
        def main(): pass
        """,
        ["Client", "fetch", "_private", "main"],
    ),
    "javascript": (
        """
        export default function render(a) {}
        export class View extends Base {}
        const handler = async (event) => {};
        let twice = x => x * 2;
        var old = function () {};
        const notOne = compute(1);
        function* generate() {}
        """,
        ["render", "View", "handler", "twice", "old", "generate"],
    ),
    "typescript": (
        """
        export interface Options { a: string }
        export type Id = string;
        enum Color { Red }
        export const load = async (path: string): Promise<void> => {};
        abstract class Store<T> {}
        declare namespace Api {}
        """,
        ["Options", "Id", "Color", "load", "Store", "Api"],
    ),
    "go": (
        """
        package main
        func main() {}
        func (s *Server) Start(ctx context.Context) error {}
        type Server struct {}
        type Handler interface {}
        """,
        ["main", "Start", "Server", "Handler"],
    ),
    "rust": (
        """
        pub struct Config {}
        pub(crate) async fn load() {}
        enum Kind {}
        trait Parse {}
        impl<T> Wrapper {}
        macro_rules! check {}
        pub unsafe fn raw() {}
        mod inner {}
        """,
        ["Config", "load", "Kind", "Parse", "Wrapper", "check", "raw", "inner"],
    ),
    "java": (
        """
        package org.example;
        public final class Parser {
            private static int count(String text, int from) throws IOException {
                if (text.isEmpty()) {
                }
                for (int i = 0; i < 3; i++) {
                }
                return new Parser(text) {
                };
            }
            public <T> List<T> all() {
            }
        }
        interface Visitor {}
        """,
        ["org", "Parser", "count", "all", "Visitor"],
    ),
    "c": (
        """
        struct node { int x; };
        static int compare(const void *a, const void *b) {
            while (a) {
            }
        }
        char *copy(char *from)
        {
        }
        int declared(int x);
        typedef int (*callback)(int);
        """,
        ["node", "compare", "copy"],
    ),
    "cpp": (
        """
        namespace app {
        class Window : public Base {
            ~Window() {
            }
        };
        void Window::draw(int x) const {
            switch (x) {
            }
        }
        std::vector<int> make(std::function<void(int)> f) {
        }
        }
        """,
        ["app", "Window", "draw", "make"],
    ),
    "csharp": (
        """
        namespace App;
        public sealed class Service {
            public async Task<int> RunAsync(string name) {
                using (var x = y) {
                }
                lock (this) {
                }
            }
        }
        public record Person(string Name);
        """,
        ["App", "Service", "RunAsync", "Person"],
    ),
    "ruby": (
        """
        module Tools
          class Hammer < Tool
            def hit!(nail)
            end
            def self.build
            end
            def broken?
            end
          end
        end
        """,
        ["Tools", "Hammer", "hit!", "build", "broken?"],
    ),
    "php": (
        """
        namespace App;
        abstract class Model {
            public static function find($id) {}
            private function save() {}
        }
        interface Saves {}
        trait Logs {}
        """,
        ["App", "Model", "find", "save", "Saves", "Logs"],
    ),
    "kotlin": (
        """
        data class User(val name: String)
        object Registry {
            suspend fun load(): User = TODO()
            private fun <T> pick(items: List<T>): T = items.first()
            fun String.shout() = uppercase()
        }
        """,
        ["User", "Registry", "load", "pick", "shout"],
    ),
    "bash": (
        """
        function deploy {
        }
        start_server() {
          echo "$(date)"
        }
        clean-up () {
        }
        """,
        ["deploy", "start_server", "clean-up"],
    ),
    "markdown": ("# Title\n\ntext # no heading\n\n## Second part ##\n\n####### seven\n#tag\n", ["Title", "Second part"]),
    "swift": ("public func run() {}\nprotocol Runs {}\nextension Int {}\n", ["run", "Runs", "Int"]),
    "lua": ("function M.start() end\nlocal function helper() end\nfunction M:stop() end\n", ["start", "helper", "stop"]),
    "yaml": ("class: x\ntype: y\n", []),
    "text": ("class struggle\ndef x\n", []),
}


@pytest.mark.parametrize("language", CODE)
def test_the_names_that_code_defines_are_found_in_its_order(language: str) -> None:
    code, names = CODE[language]
    assert symbols_of(code, language) == names


def test_a_name_is_listed_once_and_not_too_many_are() -> None:
    assert symbols_of("def a(): pass\ndef b(): pass\ndef a(): pass\n", "python") == ["a", "b"]
    assert len(symbols_of("".join(f"def f{number}(): pass\n" for number in range(100)), "python")) == MAX_SYMBOLS


@pytest.mark.parametrize("language", ["python", "javascript", "c", "bash", "markdown"])
@pytest.mark.parametrize(
    "text", ["a " * 4000, "(" * 8000, "const a = " * 800, "static " * 1200, "x<y>" * 2000, "# " * 4000, "f(a, " * 1600]
)
def test_no_text_of_a_chunks_size_takes_long(language: str, text: str) -> None:
    began = time.process_time()
    symbols_of(text, language)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a.py", "python"),
        ("src/a.js", "javascript"),
        ("a.ts", "typescript"),
        ("a.tsx", "tsx"),
        ("a.go", "go"),
        ("a.rs", "rust"),
        ("A.java", "java"),
        ("a.c", "c"),
        ("a.cpp", "cpp"),
        ("a.cs", "csharp"),
        ("a.rb", "ruby"),
        ("a.php", "php"),
        ("a.kt", "kotlin"),
        ("a.sh", "bash"),
        ("a.md", "markdown"),
        ("a.PY", "python"),
        ("Dockerfile", "dockerfile"),
        ("dockerfile.dev", "dockerfile"),
        ("Makefile", "makefile"),
        ("x/CMakeLists.txt", "cmake"),
        ("a.service", "systemd"),
        ("notes", "text"),
        ("a.unheard-of", "text"),
        ("py", "text"),
    ],
)
def test_the_language_is_told_by_the_name(path: str, language: str) -> None:
    assert detect_language(path) == language
