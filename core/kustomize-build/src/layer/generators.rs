//! What a kustomization generates.

use super::{Gathered, Layer};
use crate::Error;
use crate::generate::{self, Configured};
use crate::plugin;
use crate::resource::{Behavior, Origin, Resource};
use crate::resource_map::ResourceMap;

impl Layer<'_, '_> {
    /// Generates ConfigMaps, then Secrets, then what files say; each meets what is there already.
    pub(super) fn generate(&self, gathered: &mut Gathered) -> Result<(), Error> {
        let fields = &self.kustomization.fields;
        if let Some(chart) = fields.helm_charts.first() {
            return Err(Error::HelmRefused { place: self.place(chart) });
        }
        let generators = self.generators()?;
        let options = fields.generator_options.as_ref();
        for arguments in fields.config_map_generator.iter() {
            let made = generate::config_map(arguments, options, &self.loader, &self.place(arguments))?;
            self.absorb(&mut gathered.resources, made, self.origin_of("ConfigMapGenerator"))?;
        }
        for arguments in fields.secret_generator.iter() {
            let made = generate::secret(arguments, options, &self.loader, &self.place(arguments))?;
            self.absorb(&mut gathered.resources, made, self.origin_of("SecretGenerator"))?;
        }
        for (generator, origin) in generators {
            self.absorb(&mut gathered.resources, generator.generate(&self.loader)?, origin)?;
        }
        Ok(())
    }

    fn absorb(&self, resources: &mut ResourceMap, mut made: Resource, origin: Option<Origin>) -> Result<(), Error> {
        if made.generated.behavior == Behavior::Unspecified {
            made.generated.behavior = Behavior::Create;
        }
        let schemas = self.context.schemas.borrow();
        schemas.is_cluster_scoped(made.id().gvk);
        made.scopes = schemas.scopes().clone();
        made.origin = origin;
        resources.absorb(made)
    }

    /// The generators of `generators`, ready to generate.
    fn generators(&self) -> Result<Vec<(Configured, Option<Origin>)>, Error> {
        let plugins = self.plugins(&self.kustomization.fields.generators)?;
        plugins.iter().map(|plugin| Ok((plugin::generator(plugin)?, Origin::of_plugin(plugin)))).collect()
    }
}
