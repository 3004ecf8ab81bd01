/*
 * arrow_int.h - what the rooms of the Arrow export share.
 */
#ifndef LNC_ARROW_INT_H
#define LNC_ARROW_INT_H

/* Levels of nesting that are handed out. */
#define LNC_ARROW_DEPTH_MAX 64

#endif
