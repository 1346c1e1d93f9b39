dataset_type = 'CityscapesDataset'
data_root = 'data/cityscapes/'
train_dataloader = dict(
    batch_size=2, num_workers=2,
    dataset=dict(type=dataset_type, data_root=data_root,
                 data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
                 pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
                           dict(type='RandomRotate', prob=0.5, degree=10), dict(type='PackSegInputs')]))
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', mean=[0, 0, 0], std=[255, 255, 255], bgr_to_rgb=False),
    backbone=dict(type='VisionTransformer', patch_size=16, embed_dims=192, num_layers=12, num_heads=3, out_indices=(2, 5, 8, 11)),
    decode_head=dict(type='UPerHead', channels=256, num_classes=19,
                     loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False)),
    test_cfg=dict(mode='whole'))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-4))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=1000)
