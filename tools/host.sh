# Sourced by the programs in scripts/ and tools/: messages, and packages from this machine's distribution. Not run by itself.
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache="$repository/.cache"

# A line for the person who waits, on stderr: stdout belongs to the command that is run.
say() {
  printf '==> %s\n' "$*" >&2
}

# Ends the script with a sentence that says what is missing and what to do about it.
stop() {
  ending_said=yes
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# However a script ends, a sentence is the last that it says: these are for what nobody foresaw, and for Ctrl-C.
ending_said=no

say_how_it_ended() {
  local status=$1
  ((status == 0)) || [[ $ending_said == yes ]] ||
    printf 'error: %s ended with exit status %s; the reason stands above.\n' "${0##*/}" "$status" >&2
}

say_that_it_was_interrupted() {
  ending_said=yes
  printf '\nerror: %s was interrupted. Run it again: it takes up what is there.\n' "${0##*/}" >&2
  exit "$1"
}

trap 'say_how_it_ended $?' EXIT
trap 'say_that_it_was_interrupted 130' INT
trap 'say_that_it_was_interrupted 143' TERM

has() {
  command -v "$1" >/dev/null
}

# need_space DIRECTORY GIB WHY: DIRECTORY, or the nearest one above that is there, has so much room.
need_space() {
  local directory=$1 gib=$2 why=$3 free
  until [[ -d $directory ]]; do directory=$(dirname "$directory"); done
  free=$(df --block-size=1M --output=avail "$directory" | tail -n 1)
  ((free >= gib * 1024)) || stop "$why needs $gib GiB below $directory, and $((free / 1024)) are free: make room and run this again."
}

apt_lists_updated=no

# install_packages WHY PACKAGE…: from the Debian (or Ubuntu) archive. Needs root and apt, and says so where one is missing.
install_packages() {
  local why=$1 package
  shift
  local missing=()
  for package in "$@"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  has apt-get || stop "$why needs ${missing[*]} (Debian's names), and this system has no apt-get to install them with: install them and run this again."
  ((EUID == 0)) || stop "$why needs the packages ${missing[*]}, and only root may install them: run 'sudo apt-get install ${missing[*]}' and then this again."
  say "installing ${missing[*]} from the distribution ($why)"
  if [[ $apt_lists_updated == no ]]; then
    apt-get update -qq >&2 || stop "apt-get update failed (see above): this machine needs its distribution's package archive to install ${missing[*]}."
    apt_lists_updated=yes
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$cache/apt.log" 2>&1 || {
    tail -n 20 "$cache/apt.log" >&2
    stop "apt-get could not install ${missing[*]} (its last lines stand above)."
  }
}

# The container engine: podman unless with-containers found only docker.
engine=${CONTAINER_ENGINE:-podman}

# build_image TAG FILE CONTEXT [ARGUMENT…]: an image in Docker's format (the OCI format drops STOPSIGNAL and HEALTHCHECK in places).
build_image() {
  local tag=$1 file=$2 context=$3 log arguments=()
  shift 3
  log=$cache/build-$(basename "${tag%%:*}").log
  [[ $engine != podman ]] || arguments+=(--format docker)
  say "building $tag"
  "$engine" build --quiet "${arguments[@]}" --tag "$tag" --file "$file" "$@" "$context" >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    stop "the image $tag could not be built (its last lines stand above; all of them in $log)."
  }
}

# digest_of PATH…: of the files below some paths of the repository, an argument for a build: buildah before 1.39 does not compare what a
# build's step mounts, and would take an old layer (https://github.com/containers/buildah/issues/5400).
digest_of() {
  (cd "$repository" && find "$@" -type f -not -path '*/__pycache__/*' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
}

has_image() {
  "$engine" image inspect "$1" >/dev/null 2>&1
}

mkdir -p "$cache"
