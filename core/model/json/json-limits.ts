/** Plain JSON, as it is stored and sent. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** `bytes`: of the UTF-8 text; `depth`: of nested arrays and objects. */
export interface JsonLimits {
  bytes: number
  depth: number
}

/** Why a value cannot be JSON. `bytes`: it is too large. `depth`: it is nested too deeply. `value`: JSON has no such
 *  value. `unreadable`: reading it throws. */
export interface JsonFault {
  kind: 'bytes' | 'depth' | 'value' | 'unreadable'
  pointer: string
  detail: string
}
