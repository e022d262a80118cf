import { join } from 'node:path'
import { schemaText } from './schema.ts'
import { writeAtomic } from '../file/atomic-write.ts'

await writeAtomic({ file: join(import.meta.dirname, '../../../config.schema.json'), text: schemaText(), mode: 0o644 })
