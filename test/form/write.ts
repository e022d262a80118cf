import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, formatted, sources } from './form.ts'

for (const file of sources()) {
  const path = join(ROOT, file)
  const text = readFileSync(path, 'utf8')
  const better = formatted(file, text)
  if (better === text) continue
  writeFileSync(path, better)
  console.log(file)
}
