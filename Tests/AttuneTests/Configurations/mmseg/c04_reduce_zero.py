dataset_type = 'LoveDADataset'
model = dict(
    type='EncoderDecoder',
    backbone=dict(type='VisionTransformer', patch_size=16, embed_dims=384, num_layers=12, num_heads=6,
                  out_indices=(2, 5, 8, 11)),
    decode_head=dict(type='UPerHead', channels=256, num_classes=7, ignore_index=255,
                     loss_decode=dict(type='CrossEntropyLoss', class_weight=[1.0, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0])))
train_dataloader = dict(
    batch_size=8, num_workers=8,
    dataset=dict(type=dataset_type, data_root='loveda/', reduce_zero_label=True,
                 data_prefix=dict(img_path='img_dir/train', seg_map_path='ann_dir/train'),
                 pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
                           dict(type='Resize', scale=(1024, 512)), dict(type='RandomFlip', prob=0.5, direction='vertical'),
                           dict(type='PackSegInputs')]))
val_dataloader = dict(
    dataset=dict(type=dataset_type, data_root='loveda/', reduce_zero_label=True,
                 data_prefix=dict(img_path='img_dir/val', seg_map_path='ann_dir/val'),
                 pipeline=[dict(type='LoadImageFromFile'), dict(type='Resize', scale=(1024, 512)),
                           dict(type='LoadAnnotations'), dict(type='PackSegInputs')]))
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU', 'mDice', 'mFscore'])
test_evaluator = val_evaluator
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-4, weight_decay=0.05))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=20000)
