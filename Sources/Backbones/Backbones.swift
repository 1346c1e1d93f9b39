package import Recipes

/// The architectures that recipes can name.
package let backbones = Registry<any Backbone.Type>(
  kind: "backbone",
  [
    LoLASpecViT.self,
    Morph.self,
  ])
