package import Recipes

/// The adaptation methods that recipes can name.
package let adapterMethods = Registry<any AdapterMethod.Type>(
  kind: "adapter method",
  [
    CoLoRARestoration.self,
    GatedLoRA.self,
    LoRA.self,
  ])
