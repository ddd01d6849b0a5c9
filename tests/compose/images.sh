#!/usr/bin/env bash
# Every image that the stack names, made here because no registry can be asked: images.sh
# Bases and stand-ins carry the production tags, so that the production files run as they stand, and a label that
# tells them from the real ones.
set -euo pipefail
cd "$(dirname "$0")/../.."
standins=tests/compose/standins
python_image=$(sed -n 's/^ARG PYTHON_IMAGE=//p' Dockerfile)

has_image() { docker image inspect "$1" > /dev/null 2>&1; }

image_of() { docker compose -f docker-compose.yml -f compose.postgres.yaml --profile '*' config --format json |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["services"][sys.argv[1]]["image"])' "$1"; }

# Debian's Python under the tag of the official image; the certificates that this machine trusts go in, because
# a proxy may sign here what pip fetches.
make_base() {
  local folder mirror
  folder=$(mktemp -d)
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | awk '$2 == "trixie" {print $1; exit}')
  mount -t tmpfs -o size=2g tmpfs "$folder"
  mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-venv trixie "$folder/root" "$mirror"
  ln -s /usr/bin/python3 "$folder/root/usr/local/bin/python"
  cp -r /usr/local/share/ca-certificates/. "$folder/root/usr/local/share/ca-certificates/"
  chroot "$folder/root" update-ca-certificates > /dev/null 2>&1
  tar -C "$folder/root" --one-file-system -c . |
    docker import --change 'ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt' --change 'CMD ["python3"]' \
      --change 'LABEL holocron.standin=base' - "$1" > /dev/null
  umount "$folder"
  rmdir "$folder"
}

has_image "$python_image" || if command -v mmdebstrap > /dev/null; then make_base "$python_image"; else docker pull "$python_image"; fi
docker compose build --quiet runner &
runner=$!
for service in postgres sqlserver; do
  docker build --quiet --build-arg BASE="$python_image" --tag "$(image_of "$service")" "$standins/$service"
done
wait "$runner"
docker build --quiet --build-arg BASE="$(image_of runner)" --build-context tests=tests \
  --tag "$(image_of ollama)" "$standins/ollama"
