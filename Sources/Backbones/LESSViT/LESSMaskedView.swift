import Tensors

/// What one mode of a masked forward pass saw and predicted.
struct LESSMaskedView: Sendable {
  let name: String
  /// `[batch, kept channel + 1, kept position + 1, width]`.
  let latent: Tensor
  /// `[batch, channel, position, pixel]` over all inputs.
  let prediction: Tensor
  /// Of the encoded channels, which begin at `firstChannel`.
  let channels: LESSSelection
  let firstChannel: Int
  let positions: LESSSelection

  private var batch: Int { prediction.shape[0] }

  /// `[batch, position]`, 1 where masked.
  var positionMask: Tensor {
    positions.mask(batch: batch, total: positions.count, start: 0)
  }

  /// `[batch, channel]` over all inputs, 1 where masked or not encoded.
  var channelMask: Tensor {
    channels.mask(batch: batch, total: prediction.shape[1], start: firstChannel)
  }

  var named: [String: Tensor] {
    let values = [
      "latent": latent, "recon": prediction, "pos_mask": positionMask,
      "pos_ids_restore": positions.restore(batch: batch), "channel_mask": channelMask,
      "encoder_channel_mask": channels.mask(batch: batch, total: channels.count, start: 0),
      "channel_ids_restore": channels.restore(batch: batch),
    ]
    return Dictionary(uniqueKeysWithValues: values.map { ("\(name).\($0.key)", $0.value) })
  }

  /// The trivial guess: for every pixel the mean of what is visible of its sample and channel, of the
  /// whole sample where the channel is masked.
  ///
  /// With `ignoringZeros` pixels of value 0 are no data and do not count.
  func visibleMeans(of target: Tensor, ignoringZeros: Bool) -> Tensor {
    let (channels, positions, pixels) = (target.shape[1], target.shape[2], target.shape[3])
    let sums = target.summed(over: [3]).elements(as: Float.self)
    let counts =
      ignoringZeros
      ? target.nonzero().summed(over: [3]).elements(as: Float.self)
      : [Float](repeating: Float(pixels), count: sums.count)
    let rowIsMasked = channelMask.elements(as: Float.self)
    let columnIsMasked = positionMask.elements(as: Float.self)
    var guesses: [Float] = []
    for sample in 0..<batch {
      let rows = (0..<channels).map { channel -> (sum: Double, count: Double) in
        guard rowIsMasked[sample * channels + channel] == 0 else { return (0, 0) }
        let first = (sample * channels + channel) * positions
        return (0..<positions).reduce((0, 0)) { total, position in
          guard columnIsMasked[sample * positions + position] == 0 else { return total }
          return (
            total.0 + Double(sums[first + position]), total.1 + Double(counts[first + position])
          )
        }
      }
      let whole = rows.reduce((sum: 0, count: 0)) { ($0.sum + $1.sum, $0.count + $1.count) }
      for row in rows {
        let source = row.count > 0 ? row : whole
        guesses.append(Float(source.sum / max(1, source.count)))
      }
    }
    return Tensor(guesses, shape: [batch, channels, 1, 1]).expanded(to: target.shape)
  }
}
