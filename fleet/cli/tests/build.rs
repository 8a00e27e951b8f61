//! `thalweg build` as a user runs it: what it prints where, and how it ends.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const BASE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
const KUSTOMIZATION: (&str, &str) = ("kustomization.yaml", "resources: [a.yaml]\n");
const OBJECT: (&str, &str) = ("a.yaml", BASE);

/// A run in a directory with some files.
struct Case {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
    status: i32,
    stdout: &'static str,
    /// Lines of standard error, each in part: `…` stands for anything. `HERE` is the directory.
    stderr: &'static [&'static str],
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, content).expect("a file");
    }
    folder
}

fn thalweg(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
    command.arg("build").args(arguments).current_dir(directory).stdin(Stdio::null());
    command
}

fn run(directory: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = thalweg(directory, arguments).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

/// Whether a line has these parts in their order.
fn fits(line: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || pattern.ends_with('…')
}

fn check(case: &Case) -> Result<(), String> {
    let Case { name, files, arguments, status, stdout, stderr } = case;
    let folder = folder(files);
    let here = folder.path().canonicalize().expect("the folder").display().to_string();
    let (ended, printed, told) = run(folder.path(), arguments);
    let lines: Vec<&str> = told.lines().collect();
    let expected: Vec<String> = stderr.iter().map(|line| line.replace("HERE", &here)).collect();
    let told_so = lines.len() == expected.len() && lines.iter().zip(&expected).all(|(line, part)| fits(line, part));
    if ended == Some(*status) && printed == *stdout && told_so {
        return Ok(());
    }
    Err(format!(
        "{name}: {ended:?}, expected {status}\nstdout:\n{printed}\nstderr:\n{told}\nexpected:\n{}",
        expected.join("\n")
    ))
}

fn check_all(cases: &[Case]) {
    let failures: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(failures.is_empty(), "{} of {} fail:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn objects_go_to_standard_output_and_all_else_to_standard_error() {
    check_all(&[
        Case {
            name: "the directory that one is in",
            files: &[KUSTOMIZATION, OBJECT],
            arguments: &[],
            status: 0,
            stdout: BASE,
            stderr: &[],
        },
        Case {
            name: "a directory below",
            files: &[("apps/kustomization.yaml", "resources: [a.yaml]\n"), ("apps/a.yaml", BASE)],
            arguments: &["apps/"],
            status: 0,
            stdout: BASE,
            stderr: &[],
        },
        Case {
            name: "nothing to build",
            files: &[("kustomization.yaml", "resources: []\n")],
            arguments: &["."],
            status: 0,
            stdout: "",
            stderr: &[],
        },
        Case {
            name: "deprecated fields, of bases too and each once",
            files: &[
                ("kustomization.yaml", "bases: [one, two]\nvars: []\ncommonLabels: {}\n"),
                ("one/kustomization.yaml", "resources: [../three]\npatchesStrategicMerge: []\n"),
                (
                    "two/kustomization.yaml",
                    "patchesJson6902: []\nimageTags: []\nnamePrefix: two-\nresources: [../three]\n",
                ),
                ("three/kustomization.yaml", "resources: [a.yaml]\ncommonLabels: {}\n"),
                ("three/a.yaml", BASE),
            ],
            arguments: &[],
            status: 0,
            stdout: "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: two-a\n",
            stderr: &[
                "Warning: kustomization.yaml: the field 'bases' is deprecated: use 'resources' instead",
                "Warning: kustomization.yaml: the field 'commonLabels' is deprecated: use 'labels' instead",
                "Warning: kustomization.yaml: the field 'vars' is deprecated: use 'replacements' instead",
                "Warning: one/kustomization.yaml: the field 'patchesStrategicMerge' is deprecated: use 'patches' instead",
                "Warning: three/kustomization.yaml: the field 'commonLabels' is deprecated: use 'labels' instead",
                "Warning: two/kustomization.yaml: the field 'imageTags' is deprecated: use 'images' instead",
                "Warning: two/kustomization.yaml: the field 'patchesJson6902' is deprecated: use 'patches' instead",
            ],
        },
        Case {
            name: "what it cost",
            files: &[KUSTOMIZATION, OBJECT],
            arguments: &["--stats"],
            status: 0,
            stdout: BASE,
            stderr: &["51 bytes in … ms, from 2 files of 71 bytes"],
        },
        Case {
            name: "another order",
            files: &[
                KUSTOMIZATION,
                (
                    "a.yaml",
                    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: b\n",
                ),
            ],
            arguments: &["--reorder", "legacy"],
            status: 0,
            stdout: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: b\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n",
            stderr: &[],
        },
        Case {
            name: "files from elsewhere",
            files: &[("apps/kustomization.yaml", "resources: [../a.yaml]\n"), OBJECT],
            arguments: &["apps", "--load-restrictor", "LoadRestrictionsNone"],
            status: 0,
            stdout: BASE,
            stderr: &[],
        },
        Case {
            name: "a switch that is off",
            files: &[KUSTOMIZATION, OBJECT],
            arguments: &["--enable-helm=false", "--load-restrictor=LoadRestrictionsRootOnly"],
            status: 0,
            stdout: BASE,
            stderr: &[],
        },
    ]);
}

#[test]
fn what_goes_wrong_is_told_with_its_place_and_what_was_meant() {
    check_all(&[
        Case {
            name: "no such directory",
            files: &[],
            arguments: &["absent"],
            status: 1,
            stdout: "",
            stderr: &["Error: building absent: No such file or directory…"],
        },
        Case {
            name: "standard input",
            files: &[KUSTOMIZATION, OBJECT],
            arguments: &["-"],
            status: 1,
            stdout: "",
            stderr: &["Error: building -: No such file or directory…"],
        },
        Case {
            name: "a file",
            files: &[KUSTOMIZATION, OBJECT],
            arguments: &["kustomization.yaml"],
            status: 1,
            stdout: "",
            stderr: &[
                "Error: building kustomization.yaml: it is a file: name the directory that holds the kustomization",
            ],
        },
        Case {
            name: "no kustomization",
            files: &[OBJECT],
            arguments: &[],
            status: 1,
            stdout: "",
            stderr: &["Error: building .: unable to find one of …in directory '.'"],
        },
        Case {
            name: "a kustomization by another name",
            files: &[("apps/Kustomization.yml", "resources: [a.yaml]\n")],
            arguments: &["apps"],
            status: 1,
            stdout: "",
            stderr: &[
                "Error: building apps: unable to find one of …in directory 'apps': did you mean 'Kustomization.yml'?",
            ],
        },
        Case {
            name: "two kustomizations",
            files: &[KUSTOMIZATION, ("kustomization.yml", "resources: [a.yaml]\n"), OBJECT],
            arguments: &[],
            status: 1,
            stdout: "",
            stderr: &[
                "Error: building .: found multiple kustomization files in .: kustomization.yaml, kustomization.yml",
            ],
        },
        Case {
            name: "an empty kustomization",
            files: &[("kustomization.yaml", "# nothing\n")],
            arguments: &[],
            status: 1,
            stdout: "",
            stderr: &["Error: building .: kustomization.yaml is empty"],
        },
        Case {
            name: "a misspelt field",
            files: &[
                ("base/kustomization.yaml", "resources: []\nimages:\n- name: a\n  newTga: b\n"),
                ("kustomization.yaml", "resources: [base]\n"),
            ],
            arguments: &[],
            status: 1,
            stdout: "",
            stderr: &[
                "Error: building .: base/kustomization.yaml:4:3: invalid Kustomization: unknown field 'images[0].newTga': did you mean 'newTag'?",
            ],
        },
        Case {
            name: "a field of another type",
            files: &[("kustomization.yaml", "namespace: [a]\n")],
            arguments: &[],
            status: 1,
            stdout: "",
            stderr: &[
                "Error: building .: kustomization.yaml:1:12: invalid Kustomization: namespace must be a text, found a list",
            ],
        },
        Case {
            name: "a resource that is not there",
            files: &[("kustomization.yaml", "resources:\n- b.yaml\n")],
            arguments: &[],
            status: 1,
            stdout: "",
            stderr: &["Error: building .: kustomization.yaml:2:3: cannot load 'b.yaml': no such file or directory"],
        },
        Case {
            name: "a resource from elsewhere",
            files: &[("apps/kustomization.yaml", "resources: [../a.yaml]\n"), OBJECT],
            arguments: &["apps"],
            status: 1,
            stdout: "",
            stderr: &[
                "Error: building apps: apps/kustomization.yaml:1:13: cannot load '../a.yaml': security: the file is not in or below 'apps'",
            ],
        },
        Case {
            name: "no YAML",
            files: &[KUSTOMIZATION, ("a.yaml", "kind: a\n b: c\n")],
            arguments: &[],
            status: 1,
            stdout: "",
            stderr: &[
                "Error: building .: failed to decode Kubernetes YAML from a.yaml:2:3: mapping values are not allowed in this context…",
            ],
        },
        Case {
            name: "what a terminal would obey",
            files: &[("kustomization.yaml", "resources: [\"\\e[2J\\a\\u202Ea\\x9b\"]\n")],
            arguments: &[],
            status: 1,
            stdout: "",
            stderr: &["Error: building .: kustomization.yaml:1:13: …\\u{1b}[2J\\u{7}\\u{202e}a\\u{9b}…"],
        },
        Case {
            name: "a chart",
            files: &[("kustomization.yaml", "helmCharts:\n- name: a\n")],
            arguments: &[],
            status: 1,
            stdout: "",
            stderr: &[
                "Error: building .: kustomization.yaml:2:3: helmCharts are not supported: nothing but files is built here",
            ],
        },
    ]);
}

#[test]
fn flags_of_kustomize_that_ask_for_what_is_not_done_are_refused_by_name() {
    let charts = "charts are not inflated";
    let programs = "no program is ever run: plugins and functions are not supported";
    let folder = folder(&[KUSTOMIZATION, OBJECT]);
    for (arguments, flag, reason) in [
        (&["--enable-helm"][..], "enable-helm", charts),
        (&["--enable-helm=true", "."], "enable-helm", charts),
        (&["--helm-command", "helm"], "helm-command", charts),
        (&["--helm-api-versions=v1"], "helm-api-versions", charts),
        (&["--helm-kube-version", "1.33"], "helm-kube-version", charts),
        (&["--helm-debug"], "helm-debug", charts),
        (&["--enable-alpha-plugins", "."], "enable-alpha-plugins", programs),
        (&["--enable-exec"], "enable-exec", programs),
        (&["--as-current-user"], "as-current-user", programs),
        (&["--network"], "network", programs),
        (&["--network-name", "bridge"], "network-name", programs),
        (&["--mount", "type=bind,src=/,dst=/"], "mount", programs),
        (&["--env", "A=b"], "env", programs),
        (&["-e", "A=b"], "env", programs),
    ] {
        let refused = format!("Error: --{flag} is not supported: {reason}\n");
        assert_eq!(run(folder.path(), arguments), (Some(1), String::new(), refused), "{arguments:?}");
    }
}

const FLUX: &str = "\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: flux-system}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  interval: 1m
  prune: true
  sourceRef: {kind: GitRepository, name: fleet}
  namePrefix: blue-
  targetNamespace: apps
";

#[test]
fn for_a_flux_kustomization_a_directory_is_built_as_flux_builds_it() {
    let with = |name: &'static str, flux: &'static str, status, stdout, stderr| {
        let files = [("apps/a.yaml", BASE), ("flux.yaml", flux)];
        let files: &'static [(&str, &str)] = Box::leak(Box::new(files));
        Case { name, files, arguments: &["apps", "--flux", "flux.yaml"], status, stdout, stderr }
    };
    let post_build: &'static str = (FLUX.to_owned() + "  postBuild: {substitute: {a: b}}\n").leak();
    let two: &'static str = format!("{FLUX}---\n{FLUX}").leak();
    check_all(&[
        with(
            "beside its source",
            FLUX,
            0,
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: blue-a\n  namespace: apps\n",
            &[],
        ),
        with(
            "of kustomize",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
            1,
            "",
            &["Error: flux.yaml has no Kustomization of kustomize.toolkit.fluxcd.io"],
        ),
        with("twice", two, 1, "", &["Error: flux.yaml has 2 Kustomizations: which one to build for is not said"]),
        with(
            "with what is not done yet",
            post_build,
            1,
            "",
            &["Error: the Kustomization in flux.yaml: spec.postBuild is not supported"],
        ),
        with(
            "that is none",
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec: {prune: maybe}\n",
            1,
            "",
            &["Error: the Kustomization in flux.yaml: …"],
        ),
        with("that is no YAML", "a: [\n", 1, "", &["Error: flux.yaml:…"]),
        Case {
            name: "that is not there",
            files: &[],
            arguments: &["--flux", "absent.yaml"],
            status: 1,
            stdout: "",
            stderr: &["Error: reading absent.yaml: No such file or directory…"],
        },
    ]);
}

#[test]
fn objects_go_to_the_file_that_is_named() {
    let folder = folder(&[KUSTOMIZATION, OBJECT, ("broken/kustomization.yaml", "resources: [absent]\n")]);
    for flag in ["-o", "--output"] {
        assert_eq!(run(folder.path(), &[".", flag, "out.yaml"]), (Some(0), String::new(), String::new()));
        assert_eq!(fs::read_to_string(folder.path().join("out.yaml")).expect("the file"), BASE);
        fs::write(folder.path().join("out.yaml"), "kept").expect("the file");
        assert_eq!(run(folder.path(), &["broken", flag, "out.yaml"]).0, Some(1));
        assert_eq!(fs::read_to_string(folder.path().join("out.yaml")).expect("the file"), "kept");
    }
    let (status, stdout, stderr) = run(folder.path(), &["-o", "broken"]);
    assert_eq!((status, stdout.as_str()), (Some(1), ""));
    assert!(fits(stderr.trim_end(), "Error: writing broken: Is a directory…"), "{stderr}");
}

#[test]
fn whoever_closes_standard_output_has_read_enough() {
    let large = format!("{BASE}data:\n  k: {}\n", "v".repeat(1 << 20));
    let folder = folder(&[KUSTOMIZATION, ("a.yaml", &large)]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = thalweg(folder.path(), &[]).stdout(writer).stderr(Stdio::piped()).spawn().expect("it runs");
    let output = output.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(1), ""));
    let full = fs::File::options().write(true).open("/dev/full").expect("a full disk");
    let output = thalweg(folder.path(), &[]).stdout(full).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(fits(told.trim_end(), "Error: writing to standard output: No space left…"), "{told}");
}

/// What each entry of `resources` in `app` answers, as kustomize v5.8.1 answers it: `inside` and `outside` are objects.
#[test]
fn links_are_followed_in_the_directory_and_to_other_kustomizations_and_never_to_a_file_elsewhere() {
    let object = |name: &str| BASE.replace("name: a", &format!("name: {name}"));
    let (inside, outside) = (object("inside"), object("outside"));
    let folder = folder(&[
        ("root/app/deep/in.yaml", &inside),
        ("outside/a.yaml", &outside),
        ("outside/base/kustomization.yaml", "resources: [a.yaml]\n"),
        ("outside/base/a.yaml", &outside),
    ]);
    let (root, app) = (folder.path().canonicalize().expect("the folder"), folder.path().join("root/app"));
    for (link, target) in [
        ("file", "deep/in.yaml"),
        ("directory", "deep"),
        ("out-file", "../../outside/a.yaml"),
        ("out", "../../outside"),
        ("chain", "out"),
        ("base", "../../outside/base"),
        ("round", "deep/../out/a.yaml"),
        ("loop", "loop"),
        ("absolute", root.join("root/app/deep/in.yaml").to_str().expect("UTF-8")),
        ("absolute-out", root.join("outside").to_str().expect("UTF-8")),
        ("passwd", "/etc/passwd"),
    ] {
        symlink(target, app.join(link)).expect("a link");
    }
    let path = |path: &str| root.join(path).display().to_string();
    let (absolute, absolute_outside) = (path("root/app/deep/in.yaml"), path("outside/a.yaml"));
    let base_outside = path("outside/base");
    let security = "security: the file is not in or below 'root/app'";
    for (entry, answer) in [
        ("file", Ok(&inside)),
        ("directory/in.yaml", Ok(&inside)),
        ("absolute", Ok(&inside)),
        ("base", Ok(&outside)),
        ("out/base", Ok(&outside)),
        ("chain/base", Ok(&outside)),
        ("absolute-out/base", Ok(&outside)),
        ("directory/../deep/in.yaml", Ok(&inside)),
        ("out-file", Err(security)),
        ("out/a.yaml", Err(security)),
        ("chain/a.yaml", Err(security)),
        ("absolute-out/a.yaml", Err(security)),
        ("round", Err(security)),
        ("passwd", Err(security)),
        ("base/a.yaml", Err(security)),
        ("loop", Err("the path has too many symbolic links")),
        ("loop/a.yaml", Err("the path has too many symbolic links")),
        ("out/../../outside/a.yaml", Err("no such file or directory")),
        (absolute.as_str(), Ok(&inside)),
        (absolute_outside.as_str(), Err(security)),
        ("/etc/passwd", Err(security)),
        ("/absent", Err("no such file or directory")),
        (base_outside.as_str(), Err("the path must be relative to the directory of the kustomization")),
    ] {
        fs::write(app.join("kustomization.yaml"), format!("resources: [{entry}]\n")).expect("a file");
        let (status, stdout, stderr) = run(&root, &["root/app"]);
        let told = |why: &str| {
            format!("Error: building root/app: root/app/kustomization.yaml:1:13: cannot load '{entry}': {why}\n")
        };
        let expected = match answer {
            Ok(object) => (Some(0), object.clone(), String::new()),
            Err(why) => (Some(1), String::new(), told(why)),
        };
        assert_eq!((status, stdout, stderr), expected, "{entry}");
    }
    symlink("root/app", root.join("shortcut")).expect("a link");
    fs::write(app.join("kustomization.yaml"), "resources: [file]\n").expect("a file");
    assert_eq!(run(&root, &["shortcut"]), (Some(0), inside, String::new()));
}

#[test]
fn what_is_no_regular_file_is_not_read() {
    let folder =
        folder(&[("kustomization.yaml", "resources: [/dev/zero]\n"), ("b/kustomization.yaml", "resources: [zero]\n")]);
    symlink("/dev/zero", folder.path().join("b/zero")).expect("a link");
    for (directory, restrictor) in
        [("b", "LoadRestrictionsRootOnly"), ("b", "LoadRestrictionsNone"), (".", "LoadRestrictionsNone")]
    {
        let (status, stdout, stderr) = run(folder.path(), &[directory, "--load-restrictor", restrictor]);
        assert_eq!((status, stdout.as_str()), (Some(1), ""), "{stderr}");
        assert!(stderr.contains("cannot load"), "{stderr}");
    }
}
