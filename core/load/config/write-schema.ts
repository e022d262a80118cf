import { join } from 'node:path'
import { schemaText } from './schema.ts'
import { writeWhole } from '../file/atomic-write.ts'

await writeWhole({ file: join(import.meta.dirname, '../../../config.schema.json'), text: schemaText(), mode: 0o644 })
