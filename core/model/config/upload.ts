import { Type } from 'typebox'
import type { Static } from 'typebox'
import { lasting, section } from '../base/section.ts'

const bytes = (standard: number, description: string) =>
  Type.Integer({ default: standard, minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description })
const duration = (standard: string, why: string, description: string) => ({
  ...lasting(why),
  default: standard,
  description
})

/** The limits of uploaded files. */
export const UploadsSchema = section({
  max_bytes: bytes(2 ** 30, 'Maximum size of a file; 0: uploads are refused'),
  disk_reserve: bytes(2 ** 29, 'Bytes that an upload must leave free on the disk of the data folder'),
  max_age: duration('7d', 'every file would be removed before its run reads it',
    'Files unchanged for longer are removed'),
  idle_timeout: duration('30s', 'every upload would be cut off',
    'An upload without data for this long is aborted; its total time is not limited')
}, 'Files uploaded for tasks')
export type UploadLimits = Static<typeof UploadsSchema>
