//! Patches of both sorts, most of which fit an object that is there.

use super::chance::{entry, indented};
use super::layer::Layer;
use super::objects::{Known, image, scalar};

impl Layer<'_> {
    /// `patches` and `patchesStrategicMerge`.
    pub(crate) fn patches(&mut self) {
        let mut entries = String::new();
        while self.chance.percent(55) && entries.len() < 2000 {
            let Some(known) = self.chance.choose(&self.world).cloned() else { break };
            entries +=
                &entry(&if self.chance.percent(55) { self.strategic_entry(&known) } else { self.json_entry(&known) });
        }
        if self.chance.percent(2) {
            let nothing = self.file("nothing.yaml", "# nothing yet\n".to_owned());
            entries += &format!("- path: {nothing}\n");
        }
        if !entries.is_empty() {
            self.field(format!("patches:\n{entries}"));
        }
        if self.chance.percent(7)
            && let Some(known) = self.chance.choose(&self.world).cloned()
        {
            let text = self.strategic(&known);
            if self.chance.percent(50) {
                let file = self.file("merge.yaml", text);
                self.field(format!("patchesStrategicMerge:\n- {file}\n"));
            } else {
                self.field(format!("patchesStrategicMerge:\n- |-\n{}", indented(&text, 2)));
            }
        }
    }

    /// `patchesJson6902`, which sees the names of this layer.
    pub(crate) fn patches_after_names(&mut self) {
        if !self.chance.percent(6) {
            return;
        }
        let Some(known) = self.chance.choose(&self.world).cloned() else { return };
        let operations = self.operations(&known);
        let name = if self.chance.percent(50) { &known.name } else { &known.original };
        let (group, version) = known.api_version.split_once('/').unwrap_or(("", known.api_version));
        let group = if group.is_empty() { String::new() } else { format!("  group: {group}\n") };
        let target = format!("target:\n{group}  version: {version}\n  kind: {}\n  name: {name}\n", known.kind);
        self.field(format!("patchesJson6902:\n{}", entry(&format!("{target}patch: |-\n{}", indented(&operations, 2)))));
    }

    fn strategic_entry(&mut self, known: &Known) -> String {
        let text = self.strategic(known);
        let mut one = self.inline_or_file("patch.yaml", &text);
        if self.chance.percent(45) {
            one += &self.target(known);
            if self.chance.percent(5) {
                one += "options:\n  allowNameChange: true\n";
            }
        }
        one
    }

    fn json_entry(&mut self, known: &Known) -> String {
        let text = self.operations(known);
        self.inline_or_file("operations.yaml", &text) + &self.target(known)
    }

    fn inline_or_file(&mut self, name: &str, text: &str) -> String {
        if self.chance.percent(40) {
            format!("path: {}\n", self.file(name, text.to_owned()))
        } else {
            format!("patch: |-\n{}", indented(text, 2))
        }
    }

    fn target(&mut self, known: &Known) -> String {
        let name = if self.chance.percent(50) { &known.name } else { &known.original };
        let target = match self.chance.below(8) {
            0 => format!("kind: {}\n", known.kind),
            1 => format!("kind: {}|ConfigMap\nname: {name}\n", known.kind),
            2 => format!("kind: {}\nlabelSelector: app={}\n", known.kind, known.original),
            3 => format!("kind: {}\nannotationSelector: example.com/note\n", known.kind),
            4 => {
                let namespace = known.namespace.as_deref().unwrap_or("default");
                format!("kind: {}\nname: {name}\nnamespace: {namespace}\n", known.kind)
            }
            5 => format!("kind: {}\nname: .*{name}\n", known.kind),
            _ => format!("kind: {}\nname: {name}\n", known.kind),
        };
        format!("target:\n{}", indented(&target, 2))
    }

    fn strategic(&mut self, known: &Known) -> String {
        let name = if self.chance.rarely() { "absent" } else { &known.original };
        let namespace =
            known.original_namespace.as_ref().map_or_else(String::new, |name| format!("  namespace: {name}\n"));
        let head =
            format!("apiVersion: {}\nkind: {}\nmetadata:\n  name: {name}\n{namespace}", known.api_version, known.kind);
        match self.chance.below(10) {
            0 => format!("{head}  labels:\n    patched: \"true\"\n    tier: null\n"),
            1 if self.chance.percent(30) => format!("{head}$patch: delete\n"),
            2 => format!("{head}  annotations:\n    patched: {}\n", scalar(self.chance)),
            _ => head + &self.strategic_body(known),
        }
    }

    fn strategic_body(&mut self, known: &Known) -> String {
        if known.is_workload() {
            let pod = self.strategic_pod(known);
            let mut text = pod;
            for step in known.pod_path().split('/').collect::<Vec<_>>().into_iter().rev() {
                text = format!("{step}:\n{}", indented(&text, 2));
            }
            if known.has_replicas() && self.chance.percent(40) {
                text = text.replacen("spec:\n", &format!("spec:\n  replicas: {}\n", self.chance.below(7)), 1);
            }
            return text;
        }
        match known.kind {
            "ConfigMap" | "Secret" => {
                let key = self.chance.choose(&known.keys).cloned().unwrap_or_else(|| "new".to_owned());
                let field = if known.kind == "Secret" { "stringData" } else { "data" };
                format!("{field}:\n  {key}: {}\n  added: {}\n", scalar(self.chance), scalar(self.chance))
            }
            "Service" => {
                let protocol = self.chance.pick(&["", "\n    protocol: TCP"]);
                format!("spec:\n  type: NodePort\n  ports:\n  - port: 80\n    nodePort: 30080{protocol}\n")
            }
            "Widget" => {
                let directive =
                    self.chance.pick(&["", "\n  map:\n    $patch: replace\n    only: 1", "\n  map: {a: null}"]);
                format!(
                    "spec:\n  list:\n  - name: b\n    value: {}\n  text: {}{directive}\n",
                    scalar(self.chance),
                    scalar(self.chance)
                )
            }
            "Role" | "ClusterRole" => {
                "rules:\n- apiGroups: [apps]\n  resources: [deployments]\n  verbs: [get]\n".to_owned()
            }
            "Ingress" => "spec:\n  ingressClassName: nginx\n".to_owned(),
            _ => String::new(),
        }
    }

    fn strategic_pod(&mut self, known: &Known) -> String {
        let container = self.chance.choose(&known.containers).cloned().unwrap_or_default();
        let change = match self.chance.below(7) {
            0 => format!("- name: {container}\n  image: {}\n", image(self.chance)),
            1 => format!(
                "- name: {container}\n  env:\n  - name: MODE\n    value: {}\n  - name: NEW\n    value: x\n",
                scalar(self.chance)
            ),
            2 => format!("- name: extra\n  image: {}\n", image(self.chance)),
            3 => format!("- name: {container}\n  $patch: delete\n- name: left\n  image: left:1\n"),
            4 => {
                let protocol = self.chance.pick(&["", "\n    protocol: TCP"]);
                format!("- name: {container}\n  ports:\n  - containerPort: 8080\n    name: http{protocol}\n")
            }
            5 => format!(
                "- name: {container}\n  env:\n  - name: LEVEL\n    $patch: delete\n  resources: {{limits: {{cpu: 1}}}}\n"
            ),
            _ => format!("- name: {container}\n  envFrom: null\n  args: [\"--patched\"]\n"),
        };
        let replace = if self.chance.percent(4) { "- $patch: replace\n" } else { "" };
        format!("containers:\n{change}{replace}")
    }

    fn operations(&mut self, known: &Known) -> String {
        let mut text = String::new();
        for _ in 0..=self.chance.below(2) {
            text += &entry(&self.operation(known));
        }
        text
    }

    fn operation(&mut self, known: &Known) -> String {
        let value = scalar(self.chance);
        let pod = known.pod_path();
        match self.chance.below(12) {
            0 | 1 => format!("op: add\npath: /metadata/labels\nvalue:\n  json: {value}\n"),
            2 => {
                format!("op: add\npath: /metadata/annotations\nvalue:\n  example.com/note: {value}\n  patched: \"1\"\n")
            }
            3 if self.chance.percent(3) => "op: remove\npath: /metadata/absent\n".to_owned(),
            4 if self.chance.percent(12) => "op: replace\npath: /metadata/name\nvalue: renamed\n".to_owned(),
            5 => format!("op: test\npath: /kind\nvalue: {}\n", known.kind),
            6 if known.has_replicas() => {
                format!("op: replace\npath: /spec/replicas\nvalue: {}\n", self.chance.below(9))
            }
            7 if known.is_workload() => {
                format!("op: replace\npath: /{pod}/containers/0/image\nvalue: {}\n", image(self.chance))
            }
            8 if known.is_workload() => {
                format!("op: add\npath: /{pod}/containers/-\nvalue:\n  name: json\n  image: {}\n", image(self.chance))
            }
            9 if known.is_workload() => format!("op: remove\npath: /{pod}/containers/0/image\n"),
            10 if known.is_workload() => {
                format!("op: move\nfrom: /{pod}/containers/0/image\npath: /{pod}/containers/0/was\n")
            }
            _ => format!("op: add\npath: /extra\nvalue:\n- {value}\n- {{a: b}}\n"),
        }
    }
}
