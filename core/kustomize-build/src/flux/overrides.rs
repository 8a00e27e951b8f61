//! The fields of a Flux Kustomization, laid over a kustomization in Flux's order.

use super::{Flux, FluxImage, FluxPatch, FluxTarget};
use crate::Error;
use crate::kustomization::{Fields, Image, List, Patch, Placed, Selector};
use crate::load::{Loader, find};
use crate::path;

/// What a component may not begin with, unless it is nothing else.
const REMOTE: [&str; 8] = ["git::", "gh:", "ssh://", "https://", "http://", "git@", "github.com:", "github.com/"];

pub(super) fn lay(flux: &Flux, fields: &mut Fields, loader: &Loader<'_>) -> Result<(), Error> {
    let Flux {
        target_namespace,
        name_prefix,
        name_suffix,
        patches,
        components,
        ignore_missing_components,
        images,
        build_metadata,
    } = flux;
    for (value, field) in [
        (target_namespace, &mut fields.namespace),
        (name_prefix, &mut fields.name_prefix),
        (name_suffix, &mut fields.name_suffix),
    ] {
        if let Some(value) = value {
            *field = Placed::made(value.clone());
        }
    }
    for patch in patches {
        fields.patches.push(patch_of(patch));
    }
    for component in components {
        if !is_local(component) {
            return Err(Error::ComponentNotLocal { component: component.clone() });
        }
        if !ignore_missing_components || exists(component, loader) {
            fields.components.push(component.clone());
        }
    }
    for image in images {
        lay_image(image, &mut fields.images);
    }
    if !build_metadata.is_empty() {
        fields.build_metadata = List::from_iter(build_metadata.iter().cloned());
    }
    Ok(())
}

fn patch_of(patch: &FluxPatch) -> Patch {
    let target = patch.target.as_ref().map(|target| {
        let FluxTarget { group, version, kind, name, namespace, annotation_selector, label_selector } = target;
        Placed::made(Selector {
            group: Placed::made(group.clone()),
            version: Placed::made(version.clone()),
            kind: Placed::made(kind.clone()),
            name: Placed::made(name.clone()),
            namespace: Placed::made(namespace.clone()),
            annotation_selector: Placed::made(annotation_selector.clone()),
            label_selector: Placed::made(label_selector.clone()),
        })
    });
    Patch { patch: Placed::made(patch.patch.clone()), target, ..Patch::default() }
}

/// Over the first image of this name, tag and digest as one, or behind the others.
fn lay_image(image: &FluxImage, images: &mut List<Image>) {
    let FluxImage { name, new_name, new_tag, digest } = image;
    let found = images.items.iter_mut().find(|found| found.name.value == *name);
    let Some(found) = found else {
        images.push(Image {
            name: Placed::made(name.clone()),
            new_name: Placed::made(new_name.clone()),
            new_tag: Placed::made(new_tag.clone()),
            digest: Placed::made(digest.clone()),
            ..Image::default()
        });
        return;
    };
    if !new_name.is_empty() {
        found.value.new_name = Placed::made(new_name.clone());
    }
    if !new_tag.is_empty() || !digest.is_empty() {
        found.value.new_tag = Placed::made(new_tag.clone());
        found.value.digest = Placed::made(digest.clone());
    }
}

fn is_local(component: &str) -> bool {
    let lower = component.to_lowercase();
    let is_remote = REMOTE.into_iter().any(|prefix| prefix.len() < component.len() && lower.starts_with(prefix));
    !is_remote && !lower.strip_prefix("file://").unwrap_or(&lower).starts_with('/')
}

fn exists(component: &str, loader: &Loader<'_>) -> bool {
    path::join(loader.root(), component).is_some_and(|path| find(loader.tree(), &path).is_ok())
}
