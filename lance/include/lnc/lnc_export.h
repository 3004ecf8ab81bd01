/*
 * lnc_export.h - what every public header needs: which functions a shared library shows, and C
 * linkage for C++. Nothing to call.
 */
#ifndef LNC_EXPORT_H
#define LNC_EXPORT_H

/* liblnc is compiled with hidden symbols: only what carries this is seen from outside. */
#if defined(__GNUC__)
#define LNC_API __attribute__((visibility("default")))
#else
#define LNC_API
#endif

#ifdef __cplusplus
#define LNC_EXTERN_C_BEGIN extern "C" {
#define LNC_EXTERN_C_END   }
#else
#define LNC_EXTERN_C_BEGIN
#define LNC_EXTERN_C_END
#endif

#endif
