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

/** What files that are sent are held to. */
export const UploadsSchema = section({
  max_bytes: bytes(2 ** 30, 'A larger file is refused; 0: no file is taken'),
  disk_reserve: bytes(2 ** 29, 'No file is taken that would leave fewer bytes free on the disk of the data folder'),
  max_age: duration('7d', 'every file would be gone before its run reads it',
    'Files that nobody has changed for so long are removed'),
  idle_timeout: duration('30s', 'every upload would be cut off',
    'An upload of which nothing has come for so long is cut off; as a whole it may take as long as it likes')
}, 'Files that are sent for tasks')
export type UploadLimits = Static<typeof UploadsSchema>
