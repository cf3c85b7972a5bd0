"""Judges rendered manifests: manifests.py kubernetes|resources FILE...

kubernetes  every object of Kubernetes itself against the strict schemas of the three newest minors that the package carries
resources   every other object against the schemas of its custom resource, in the folder CRD_SCHEMAS (GROUP/KIND_VERSION.json)

Says what is wrong, object by object, and ends with 1; an object for which there is no schema is wrong, too.
"""

import json
import os
import sys
from pathlib import Path

import jsonschema
import kubernetes_validate.utils as kubernetes_validate
import yaml
from packaging.version import Version

OWN_GROUPS = {"apps", "autoscaling", "batch", "policy"}


def is_own(group):
    return not group or group in OWN_GROUPS or group.endswith(".k8s.io") and not group.startswith("gateway.")


def newest_minors(count):
    minors = {kubernetes_validate.major_minor(version) for version in kubernetes_validate.all_versions()}
    return sorted(minors, key=Version)[-count:]


def check_kubernetes(objects):
    minors = newest_minors(3)
    for name, thing in objects:
        for minor in minors:
            try:
                kubernetes_validate.validate(thing, minor, strict=True)
            except kubernetes_validate.ValidationError as error:
                yield f"{name}: Kubernetes {minor}: at {'/'.join(map(str, error.path))}: {error.message}"
    print(f"{len(objects)} objects against Kubernetes {', '.join(minors)}")


def check_resources(objects):
    folder = Path(os.environ["CRD_SCHEMAS"])
    for name, thing in objects:
        group, version = thing["apiVersion"].split("/")
        schema = folder / group / f"{thing['kind'].lower()}_{version}.json"
        if not schema.exists():
            yield f"{name}: no schema {group}/{schema.name}"
            continue
        validator = jsonschema.Draft7Validator(json.loads(schema.read_text()))
        for error in validator.iter_errors(thing):
            yield f"{name}: at {'/'.join(map(str, error.path))}: {error.message}"
    print(f"{len(objects)} custom resources")


def read(files, own):
    for file in files:
        for thing in yaml.safe_load_all(Path(file).read_text()):
            if thing and is_own(thing["apiVersion"].rpartition("/")[0]) == own:
                yield f"{Path(file).name}: {thing['kind']}/{thing['metadata']['name']}", thing


def main(what, *files):
    own = what == "kubernetes"
    objects = list(read(files, own))
    if not objects:
        sys.exit("there is nothing to judge")
    faults = list((check_kubernetes if own else check_resources)(objects))
    print("\n".join(faults))
    sys.exit(1 if faults else 0)


main(*sys.argv[1:])
