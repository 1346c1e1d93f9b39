checkpoint_file = 'pretrain/swin_tiny.pth'
model = dict(
    type='CascadeEncoderDecoder', num_stages=2,
    backbone=dict(type='SwinTransformer', init_cfg=dict(type='Pretrained', checkpoint=checkpoint_file)),
    decode_head=[dict(type='FCNHead', num_classes=5), dict(type='OCRHead', num_classes=5)])
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=6e-5), clip_grad=dict(max_norm=35))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=160000, val_interval=-1 + 16001)
custom_imports = dict(imports=['mine'], allow_failed_imports=False)
visualizer = dict(type='SegLocalVisualizer')
resume = True
