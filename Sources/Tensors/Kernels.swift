internal import CKernels

/// The C kernels for an element type on this machine.
func kernels(_ dtype: DType) -> attune_kernel_table {
  precondition(dtype.isFloatingPoint, "no kernels for \(dtype)")
  return attune_kernels(Int32(dtype == .f32 ? ATTUNE_F32 : ATTUNE_F64)).pointee
}

/// Instruction set that the kernels use: `default`, `avx2` or `avx512`.
package var kernelInstructionSet: String { String(cString: attune_instruction_set()) }
