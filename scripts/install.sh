# Sourced by scripts/demo and scripts/test: a virtual environment in .venv with what is asked for, made once.
# usage: install_planner EXTRAS      (an empty string for none)

find_python() {
  local name
  for name in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
    if [ -n "$name" ] && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  echo "No Python 3.11 or newer was found; install one, or name it: PYTHON=/path/to/python $0" >&2
  return 1
}

install_planner() {
  local extras=$1 stamp wanted python
  stamp=".venv/installed-${extras:-plain}"
  wanted=$(cat pyproject.toml constraints.txt | cksum)
  if [ -x .venv/bin/python ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    return
  fi
  python=$(find_python)
  echo "Installing into .venv ($("$python" --version)); the first time takes a minute or two …"
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  .venv/bin/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt \
    --editable ".${extras:+[$extras]}"
  echo "$wanted" > "$stamp"
}

# usage: have_package COMMAND DEBIAN-PACKAGE WHAT-FOR; installs the package when it can, else says what will be left out
have_package() {
  local command=$1 package=$2 purpose=$3
  command -v "$command" >/dev/null 2>&1 && return
  add_package "$package" "$purpose"
  command -v "$command" >/dev/null 2>&1 ||
    echo "There is no $command here and $package could not be installed: $purpose will be skipped."
}

# usage: have_chinese_font WHAT-FOR; the same of a font with Chinese letters
have_chinese_font() {
  local purpose=$1
  [ -n "$(fc-list :lang=zh 2>/dev/null || true)" ] && return
  add_package fonts-noto-cjk "$purpose"
  [ -n "$(fc-list :lang=zh 2>/dev/null || true)" ] ||
    echo "There is no font with Chinese letters here and fonts-noto-cjk could not be installed: $purpose will be skipped."
}

# usage: add_package DEBIAN-PACKAGE WHAT-FOR; does nothing where it cannot
add_package() {
  local package=$1 purpose=$2
  if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "Installing $package ($purpose) …"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package"; } >/dev/null 2>&1 || true
  fi
}
