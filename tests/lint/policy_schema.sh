#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# docs/policy.schema.json is what `vagus check --json-schema` prints, it is valid, every preset and
# every example of the docs is valid by it, and what is not valid is refused.
set -euo pipefail
cd "$(dirname "$0")/../.."
vagus=${VAGUS:?}

if ! diff -u docs/policy.schema.json <("$vagus" check --json-schema); then
    echo "docs/policy.schema.json is out of step: vagus check --json-schema >docs/policy.schema.json"
    exit 1
fi
python3 -c 'import jsonschema, yaml' 2>/dev/null || {
    echo "python3-jsonschema or python3-yaml is missing"
    exit 77
}
python3 - <<'EOF'
import glob, json, re, sys
import jsonschema, yaml

schema = json.load(open("docs/policy.schema.json"))
kind = getattr(jsonschema, "Draft202012Validator", jsonschema.Draft7Validator)
kind.check_schema(schema)
validator = kind(schema)
failed = False


def fault(where, error):
    global failed
    failed = True
    print(f"{where}: {'/'.join(map(str, error.absolute_path))}: {error.message}")


policies = [(path, open(path).read()) for path in sorted(glob.glob("policies/*.yaml"))
            if not path.endswith(".test.yaml")]
page = open("docs/policies.md").read()
policies += [(f"docs/policies.md, block {i + 1}", block)
             for i, block in enumerate(re.findall(r"```yaml\n(.*?)\n```", page, re.S))]
if len(policies) < 10:
    sys.exit("there should be more policies to try")
for where, text in policies:
    for error in validator.iter_errors(yaml.safe_load(text)):
        fault(where, error)
for text in ["agnt: x", "extends: containr", "rules: [{name: A, metric: b}]",
             "rules: [{name: a, window: 5m}]", "segment: {size: 8M}", "rules: {}", "strict: 1",
             "budgets: [{limit: 5}]", "watch: {paths: [a, a]}"]:
    if validator.is_valid(yaml.safe_load(text)):
        failed = True
        print(f"valid, and should not be: {text}")
sys.exit(failed)
EOF
