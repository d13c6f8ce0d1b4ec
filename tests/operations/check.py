"""Reads what tieout writes for operators, with the programs that they use."""

import sys

import kubernetes_validate
import yaml
from prometheus_client.parser import text_string_to_metric_families


def cronjob(path):
    """Validates each document, and prints what matters in it."""
    with open(path, encoding="utf-8") as file:
        for document in yaml.safe_load_all(file):
            kubernetes_validate.validate(document, "1.30", strict=True)
            spec = document["spec"]
            pod = spec["jobTemplate"]["spec"]["template"]["spec"]
            container = pod["containers"][0]
            mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
            print(document["metadata"]["name"], spec["schedule"], spec["timeZone"], *container["args"], *mounts, sep="|")


def metrics(path):
    """Prints each sample; the parser refuses what is no exposition."""
    with open(path, encoding="utf-8") as file:
        for family in text_string_to_metric_families(file.read()):
            assert family.documentation and family.type == "gauge", family
            assert family.samples, family
            for sample in family.samples:
                labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
                print(f"{sample.name}{{{labels}}} {sample.value}")


{"cronjob": cronjob, "metrics": metrics}[sys.argv[1]](sys.argv[2])
