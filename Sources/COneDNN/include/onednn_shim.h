#ifndef ATTUNE_ONEDNN_H
#define ATTUNE_ONEDNN_H
#include <stddef.h>
#include <stdint.h>
#endif
