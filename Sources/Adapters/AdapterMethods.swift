package import Recipes

/// The adaptation methods that recipes can name.
package let adapterMethods = Registry<any AdapterMethod.Type>(
  kind: "adapter method",
  [
    AdaptFormer.self,
    CoLoRARestoration.self,
    Compacter.self,
    Conformer.self,
    Convpass.self,
    Convpass1D.self,
    GatedLoRA.self,
    Houlsby.self,
    Hydra.self,
    LoRA.self,
    OneBit.self,
    OneBitLoRA.self,
    Parallel.self,
    Pfeiffer.self,
    SALT.self,
    SSAM.self,
  ])
