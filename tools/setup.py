"""Set Tatara up: a virtual environment from the lock, and one build of llama.cpp that serves the bindings and the
tools.

Run by `make`; needs nothing but the Python standard library. Every step leaves a stamp with the digest of what it was
made from, so a second call does nothing, an interrupted one goes on, and a changed lock is installed again.
"""

from __future__ import annotations  # an older Python shall read this far, to be told that it is too old

import argparse
import concurrent.futures
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ENVS = Path(__file__).resolve().parent.parent / "envs"
PYTHON_NEEDED = (3, 11)
# The tools that the pipeline and its benchmarks call; the library targets come along as their dependencies.
LLAMA_TARGETS = (
    "llama-quantize",
    "llama-imatrix",
    "llama-perplexity",
    "llama-server",
    "llama-bench",
    "llama-batched-bench",
)
# What only the registry's CUDA build of torch needs; left out when the user names an index with a CPU build.
TORCH_AND_CUDA = re.compile(r"^(torch|triton|nvidia-|cuda-)")
BINDINGS = "llama-cpp-python"
BUILD_TOOLS = ("pip", "ninja", "scikit-build-core", "packaging", "pathspec")
SHARED_CPP_LIBRARY = "-Wl,--push-state,--no-as-needed,-l:libstdc++.so.6,--pop-state"


class SetupError(RuntimeError):
    """A reason why the set-up cannot go on, with its remedy."""


def lock_entries(lock: Path) -> dict[str, str]:
    """Return name -> its lines in a lock file: `name==version ; marker` and hashes, once for each marker."""
    entries: dict[str, str] = {}
    for block in re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8").strip()):
        name = block.split("==")[0].strip()
        entries[name] = f"{entries[name]}\n{block}" if name in entries else block
    return entries


def check_python() -> None:
    """Raise SetupError where this Python is too old."""
    if sys.version_info < PYTHON_NEEDED:
        raise SetupError(
            f"Python {sys.version.split()[0]} is too old: Tatara needs 3.11 or newer. "
            "Install one (Debian/Ubuntu: sudo apt-get install python3.11 python3.11-venv) and name it: make "
            "PYTHON=python3.11 ..."
        )


def check_folder(venv: Path) -> None:
    """Raise SetupError where neither make nor Snakemake could start a program of an environment in this folder."""
    import tatara_path  # noqa: F401
    from tatara.job.environment import check_environment_folder
    from tatara.job.errors import InputError

    try:
        check_environment_folder(venv)
    except InputError as error:
        raise SetupError(str(error)) from None


def check_tools() -> None:
    """Raise SetupError for each thing that must be there beforehand, with the command that installs it."""
    compiler = os.environ.get("CXX")
    candidates = [compiler] if compiler else ["c++", "g++", "clang++"]
    if not any(shutil.which(name) for name in candidates):
        raise SetupError(
            f"no C++ compiler found (looked for {', '.join(candidates)}): llama.cpp is built here. "
            "Install one: Debian/Ubuntu: sudo apt-get install g++ ; Fedora: sudo dnf install gcc-c++ ; macOS: "
            "xcode-select --install"
        )
    if not shutil.which("cmake"):
        raise SetupError(
            "cmake not found: llama.cpp is built with it. "
            "Install it: Debian/Ubuntu: sudo apt-get install cmake ; Fedora: sudo dnf install cmake ; macOS: brew "
            "install cmake"
        )
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        raise SetupError(
            "this Python cannot make virtual environments. Install its venv module: sudo apt-get install python3-venv"
        ) from None


def run(command: list, **keywords) -> None:
    """Run a command, its output shown; raise SetupError when it fails."""
    print("+", " ".join(str(part) for part in command), flush=True)
    status = subprocess.run([str(part) for part in command], **keywords).returncode
    if status:
        raise SetupError(
            f"the command above ended with status {status}; mend its cause and run make again: it goes on from here"
        )


class Setup:
    """The set-up of one environment folder."""

    def __init__(self, venv: Path, gpu: bool, torch_index: str | None, jobs: int):
        self.venv, self.gpu, self.torch_index, self.jobs = venv, gpu, torch_index, jobs
        self.lock = ENVS / ("gpu.txt" if gpu else "cpu.txt")
        self.entries = lock_entries(self.lock)
        self.python = venv / "bin" / "python"
        self.llama = venv / "llama.cpp"

    def step(self, name: str, material: str, action) -> None:
        """Run `action` unless the stamp of `name` says that it was done with the same material."""
        stamp = self.venv / f".done-{name}"
        digest = hashlib.sha256(material.encode()).hexdigest()
        if stamp.exists() and stamp.read_text() == digest:
            return
        print(f"== set-up: {name}\n", end="", flush=True)  # in one piece: two steps may be at work
        stamp.unlink(missing_ok=True)
        action()
        stamp.write_text(digest)

    def all(self) -> None:
        """Do every step that is not done."""
        python_version = ".".join(map(str, sys.version_info[:3]))
        self.venv.parent.mkdir(parents=True, exist_ok=True)
        if not (self.venv / ".done-llama.cpp").exists():
            check_tools()
        if not self.python.exists():
            run([sys.executable, "-m", "venv", "--clear", self.venv])
        without_bindings = "\n".join(text for name, text in self.entries.items() if name != BINDINGS)
        bindings = self.entries[BINDINGS]
        builders = "\n".join(self.entries[name] for name in BUILD_TOOLS)
        self.step("build tools", python_version + builders, self.install_build_tools)
        # The packages are fetched and unpacked while llama.cpp is compiled: the one waits, the other computes.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            built = pool.submit(self.make_llama)
            self.step("packages", f"{python_version}{self.torch_index}{without_bindings}", self.install_packages)
            built.result()
        self.step("bindings", bindings + python_version, self.install_bindings)

    def make_llama(self) -> None:
        """Fetch and build llama.cpp, where that is not done."""
        bindings = self.entries[BINDINGS]
        self.step("source", bindings, self.unpack_source)
        self.step("llama.cpp", bindings + repr((self.cmake_flags(), LLAMA_TARGETS)), self.build_llama)

    def pip(self, *arguments) -> None:
        run([self.python, "-m", "pip", *arguments], env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})

    def requirements(self, name: str, entries: list[str]) -> Path:
        path = self.venv / f"{name}.txt"
        path.write_text("\n".join(entries) + "\n", encoding="utf-8")
        return path

    def install_build_tools(self) -> None:
        """Install what fetching and building llama.cpp needs, pip first of all: it cannot replace itself later."""
        requirement = self.requirements("build-tools", [self.entries[name] for name in BUILD_TOOLS])
        self.pip("install", "--no-deps", "--require-hashes", "-r", requirement)

    def install_packages(self) -> None:
        """Install everything of the lock but the bindings; hashes are required, and nothing else comes in."""
        skipped = {BINDINGS}
        if self.torch_index:
            skipped |= {name for name in self.entries if TORCH_AND_CUDA.match(name)}
            version = re.match(r"torch==([^\s\\;]+)", self.entries["torch"]).group(1)
            self.pip("install", "--no-deps", "--index-url", self.torch_index, f"torch=={version}")
        kept = [text for name, text in self.entries.items() if name not in skipped]
        self.pip("install", "--no-deps", "--require-hashes", "-r", self.requirements("packages", kept))

    def unpack_source(self) -> None:
        """Fetch the sdist of the bindings (its hash checked) and unpack it; llama.cpp is inside, whole."""
        download = self.venv / "download"
        shutil.rmtree(download, ignore_errors=True)
        requirement = self.requirements("bindings", [self.entries[BINDINGS]])
        self.pip(
            "download",
            "--no-deps",
            "--no-build-isolation",
            "--no-binary",
            BINDINGS,
            "--require-hashes",
            "-d",
            download,
            "-r",
            requirement,
        )
        (archive,) = download.glob("*.tar.gz")
        source = self.llama / "source"
        shutil.rmtree(source, ignore_errors=True)
        unpacked = self.llama / "unpacked"
        shutil.rmtree(unpacked, ignore_errors=True)
        with tarfile.open(archive) as tar:
            tar.extractall(unpacked, filter="data")
        (folder,) = unpacked.iterdir()
        folder.rename(source)
        unpacked.rmdir()
        shutil.rmtree(download)

    def cmake_flags(self) -> list[str]:
        flags = [
            "-DCMAKE_BUILD_TYPE=Release",
            "-DBUILD_SHARED_LIBS=ON",
            # Libraries and tools find each other in one folder, wherever that folder is.
            "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON",
            "-DCMAKE_INSTALL_RPATH=$ORIGIN",
            "-DLLAMA_BUILD_COMMON=ON",
            "-DLLAMA_BUILD_TOOLS=ON",
            "-DLLAMA_BUILD_SERVER=ON",
            "-DLLAMA_BUILD_TESTS=OFF",
            "-DLLAMA_BUILD_EXAMPLES=OFF",
            "-DLLAMA_BUILD_APP=OFF",
            # No web page in the server: the build would fetch it from the network.
            "-DLLAMA_BUILD_UI=OFF",
            "-DLLAMA_USE_PREBUILT_UI=OFF",
            "-DLLAMA_CURL=OFF",
            "-DLLAMA_OPENSSL=OFF",
            # Where a virtual machine shows AMX and its kernel keeps no state for it, ggml's AMX code dies at its first
            # instruction; undefined, ggml takes AVX-512, and a file gives the same logits on all such processors.
            "-DCMAKE_C_FLAGS=-U__AMX_INT8__",
            "-DCMAKE_CXX_FLAGS=-U__AMX_INT8__",
        ]
        if self.gpu and shutil.which("nvcc"):
            flags += ["-DGGML_CUDA=ON", "-DCMAKE_CUDA_ARCHITECTURES=native"]
            # Some CUDA toolchains link the C++ library statically. Then every library and tool has one of its own: what
            # they hand each other is freed by the wrong one, and Python's packages get another than they share. Named
            # first, the shared one serves all.
            flags += [f"-DCMAKE_{kind}_LINKER_FLAGS={SHARED_CPP_LIBRARY}" for kind in ("SHARED", "EXE")]
        return flags

    def build_llama(self) -> None:
        """Build llama.cpp; an interrupted build goes on where it stopped."""
        build = self.llama / "build"
        generator = ["-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={self.venv / 'bin' / 'ninja'}"]
        run(
            [
                "cmake",
                "-S",
                self.llama / "source" / "vendor" / "llama.cpp",
                "-B",
                build,
                *generator,
                *self.cmake_flags(),
            ]
        )
        run(["cmake", "--build", build, "-j", self.jobs, "--target", *LLAMA_TARGETS])

    def install_bindings(self) -> None:
        """Install llama-cpp-python without a build of its own; it loads the library built above."""
        site = next((self.venv / "lib").glob("python3.*/site-packages"))
        library = site / "llama_cpp" / "lib"
        if library.is_symlink():
            library.unlink()
        environment = {**os.environ, "CMAKE_ARGS": "-DLLAMA_BUILD=OFF -DLLAVA_BUILD=OFF"}
        command = [
            self.python,
            "-m",
            "pip",
            "install",
            "--no-deps",
            "--no-build-isolation",
            "--no-cache-dir",
            "--force-reinstall",
        ]
        run([*command, self.llama / "source"], env=environment)
        shutil.rmtree(library, ignore_errors=True)
        library.symlink_to(os.path.relpath(self.llama / "build" / "bin", library.parent))
        run([self.python, "-c", "import llama_cpp; print('llama.cpp', llama_cpp.__version__, 'loads')"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--venv", type=Path, default=ENVS.parent / ".venv", help="the environment's folder (default: .venv)"
    )
    parser.add_argument(
        "--device",
        choices=["auto", "cpu", "gpu"],
        default="auto",
        help="which lock; auto: gpu where nvidia-smi is found",
    )
    parser.add_argument(
        "--torch-index",
        default=None,
        help="a package index with a CPU build of torch, instead of the registry's CUDA build",
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="parallel compilations (default: all cores)")
    options = parser.parse_args()
    gpu = options.device == "gpu" or (options.device == "auto" and shutil.which("nvidia-smi") is not None)
    venv = options.venv.resolve()
    try:
        check_python()
        check_folder(venv)
        Setup(venv, gpu, options.torch_index or None, options.jobs).all()
    except SetupError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
