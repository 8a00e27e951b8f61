//! `images`: new names, tags and digests (kustomize's api/filters/imagetag).

use thalweg_yaml::kyaml::{Content, Node, Tag};

use super::field_error;
use super::image_name::{Image, ImageName};
use crate::field_spec::{Create, FieldError, FieldSpec, Fields, check_scalar, set_scalar};
use crate::kustomization;
use crate::resource::Resource;
use crate::resource_map::ResourceMap;
use crate::{Error, Place};

const TRANSFORMER: &str = "images";

/// One entry of `images`.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    place: Place,
    name: ImageName,
    image: kustomization::Image,
    fields: Vec<Fields>,
}

/// Why an image is not set.
enum Failure {
    Field(FieldError),
    Name(String),
}

impl From<FieldError> for Failure {
    fn from(error: FieldError) -> Self {
        Self::Field(error)
    }
}

impl Images {
    pub(crate) fn new(image: &kustomization::Image, specs: &[FieldSpec], place: Place) -> Self {
        Self { place, name: ImageName::new(&image.name), image: image.clone(), fields: Fields::all(specs) }
    }

    /// Two passes over all objects but CustomResourceDefinitions, as in kustomize: a suffix of tags is added by each.
    pub(crate) fn apply(&self, resources: &mut ResourceMap) -> Result<(), Error> {
        for resource in resources.contents_mut().filter(|resource| is_transformed(resource)) {
            self.set_containers(&mut resource.object).map_err(|failure| self.error(resource, "containers", failure))?;
        }
        for resource in resources.contents_mut().filter(|resource| is_transformed(resource)) {
            for fields in &self.fields {
                let visited = fields.visit(&mut resource.object, Create::None, &mut |node| self.set(node));
                visited.map_err(|failure| self.error(resource, &fields.spec.path, failure))?;
            }
        }
        Ok(())
    }

    /// Sets every `image` in a list that is called `containers` or `initContainers`, however deep.
    fn set_containers(&self, node: &mut Node) -> Result<(), Failure> {
        let fields = match &mut node.content {
            Content::Scalar(_) => return Ok(()),
            Content::Sequence(items) => return items.iter_mut().try_for_each(|item| self.set_containers(item)),
            Content::Mapping(fields) => fields,
        };
        for field in fields {
            self.set_containers(&mut field.value)?;
            if !matches!(field.key.as_str(), Some("containers" | "initContainers")) {
                continue;
            }
            for container in field.value.items_mut().into_iter().flatten() {
                self.set_container(container)?;
            }
        }
        Ok(())
    }

    fn set_container(&self, container: &mut Node) -> Result<(), Failure> {
        let found = match &container.content {
            _ if container.is_null() => return Ok(()),
            Content::Mapping(_) => return container.get_mut("image").map_or(Ok(()), |image| self.set(image)),
            Content::Scalar(_) => "a scalar",
            Content::Sequence(_) => "a list",
        };
        Err(FieldError::WrongKind { expected: "a mapping as a container", found }.into())
    }

    fn set(&self, node: &mut Node) -> Result<(), Failure> {
        check_scalar(node)?;
        let text = node.as_str().unwrap_or_default();
        if !self.name.is_of(text).map_err(|reason| Failure::Name(reason.to_owned()))? {
            return Ok(());
        }
        let text = self.renamed(Image::split(text));
        set_scalar(node, &text, Tag::Unset)?;
        Ok(())
    }

    fn renamed(&self, image: Image<'_>) -> String {
        let kustomization::Image { name: _, new_name, tag_suffix, new_tag, digest: new_digest } = &self.image;
        let tag_with_suffix = format!("{}{}", image.tag, tag_suffix.value);
        let (tag, digest) = match (new_tag.as_str(), new_digest.as_str(), tag_suffix.as_str()) {
            ("", "", "") => (image.tag, image.digest),
            ("", "", _) => (tag_with_suffix.as_str(), ""),
            (tag, digest, _) => (tag, digest),
        };
        let mut text = if new_name.is_empty() { image.name.to_owned() } else { new_name.value.clone() };
        if !tag.is_empty() {
            text.push(':');
            text.push_str(tag);
        }
        if !digest.is_empty() {
            text.push('@');
            text.push_str(digest);
        }
        text
    }

    fn error(&self, resource: &Resource, path: &str, failure: Failure) -> Error {
        match failure {
            Failure::Field(reason) => field_error(TRANSFORMER, resource, path, reason),
            Failure::Name(reason) => {
                Error::ImageName { place: self.place.clone(), name: self.image.name.value.clone(), reason }
            }
        }
    }
}

fn is_transformed(resource: &Resource) -> bool {
    resource.object.get("kind").and_then(Node::as_str) != Some("CustomResourceDefinition")
}
