base = {'lr': 1e-4, 'weight_decay': 0.05}
model = dict(
    type='EncoderDecoder', backbone=dict(type='MAE', img_size=(512, 512), embed_dims=768, init_values=1.0),
    decode_head=dict(type='UPerHead', in_channels=[768] , channels=768, num_classes=150))
optim_wrapper = dict(
    type='AmpOptimWrapper', loss_scale='dynamic',
    optimizer=dict(type='AdamW', **base, betas=(0.9, 0.999)),
    paramwise_cfg=dict(num_layers=12, layer_decay_rate=0.65), constructor='LayerDecayOptimizerConstructor')
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=1500),
    dict(type='PolyLR', eta_min=0.0, power=1.0, begin=1500, end=160000, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=160000, val_interval=8 * 2000)
tta_model = dict(type='SegTTAModel')
