import { parseArgs } from 'node:util'
import type { Row } from '../row.ts'
import { SOAKS } from './soak.ts'
import { reaches } from '../row.ts'
import { table } from '../report.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    only: { type: 'string' },
    heap: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false }
  }
})
const names = values.only?.split(',') ?? Object.keys(SOAKS)
const unknown = names.filter(name => SOAKS[name] === undefined)
const minutes = Number(values.minutes)
if (unknown.length > 0 || !(minutes > 0)) {
  console.error(
    unknown.length > 0
      ? `no load is called ${unknown.join(', ')}: there are ${Object.keys(SOAKS).join(', ')}`
      : '--minutes is a number above 0'
  )
  process.exit(2)
}

const say = (line: string) => void process.stderr.write(`${line}\n`)
const rows: Row[] = []
for (const name of names) {
  say(`${name} …`)
  rows.push(...await SOAKS[name]!({ minutes, small: values.small, heap: values.heap, say }))
}
console.log(values.json ? JSON.stringify(rows, null, 2) : table(rows))
process.exitCode = rows.some(row => reaches(row) === false) ? 1 : 0
