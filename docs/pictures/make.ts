import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { draw } from './draw.ts'
import { tasksPicture } from './tasks.ts'
import { whyPicture } from './why.ts'

const PICTURES = { 'tasks.svg': tasksPicture, 'why.svg': whyPicture }

// node docs/pictures/make.ts writes all pictures, node docs/pictures/make.ts why.svg one.
const names = process.argv.slice(2)

for (const [name, make] of Object.entries(PICTURES)) {
  if (names.length > 0 && !names.includes(name)) continue
  await writeFile(join(import.meta.dirname, name), draw(await make()))
}
