//! What is in the Git repository of the demo, commit by commit.

use anyhow::Result;
use thalweg_harness::Worktree;

/// Where the broken line of [`broken`] is.
pub(crate) const BROKEN_FILE: &str = "apps/banner.yaml";

const NAMESPACE: &str = "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
";

const QUOTA: &str = "\
apiVersion: v1
kind: ResourceQuota
metadata:
  name: shop
  namespace: shop
spec:
  hard:
    pods: \"20\"
";

const BANNER: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: banner
  namespace: shop
data:
  text: Welcome
  colour: blue
";

const PROMOTION: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: promotion
  namespace: shop
data:
  text: Ten per cent off until Sunday
";

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: 2
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
        - name: web
          image: registry.example/web:1.0
";

/// The namespace that the objects of the repository are in.
pub(crate) const SHOP: &str = "shop";
/// What the first commit's banner says.
pub(crate) const FIRST_TEXT: &str = "Welcome";
/// What the second commit's banner says.
pub(crate) const SECOND_TEXT: &str = "Welcome back";

/// The first commit: `infra` and `apps`.
pub(crate) fn first(repository: &Worktree) -> Result<String> {
    repository.write("infra/namespace.yaml", NAMESPACE)?.write("infra/quota.yaml", QUOTA)?;
    repository.write("apps/banner.yaml", BANNER)?.write("apps/promotion.yaml", PROMOTION)?;
    repository.write("apps/web.yaml", WEB)?;
    repository.publish("The shop, first version")
}

/// The second: the banner changes and the promotion goes. Not pushed yet.
pub(crate) fn second(repository: &Worktree) -> Result<String> {
    repository.write("apps/banner.yaml", BANNER.replace(FIRST_TEXT, SECOND_TEXT))?.remove("apps/promotion.yaml")?;
    repository.commit("A new banner; the promotion is over")
}

/// The third, which returns the number of the broken line: a line of the banner lost a space, and the Deployment is gone. Not pushed yet.
pub(crate) fn broken(repository: &Worktree) -> Result<usize> {
    let damaged = BANNER.replace(FIRST_TEXT, SECOND_TEXT).replace("  colour: blue", " colour: blue");
    let line = damaged.lines().position(|line| line.starts_with(" colour")).map_or(0, |index| index + 1);
    repository.write(BROKEN_FILE, damaged)?.remove("apps/web.yaml")?;
    repository.commit("Tidying up on a Friday afternoon")?;
    Ok(line)
}

/// The fourth takes the third back. Not pushed yet.
pub(crate) fn mended(repository: &Worktree) -> Result<String> {
    repository.git(&["revert", "--no-edit", "HEAD"])?;
    repository.head()
}
