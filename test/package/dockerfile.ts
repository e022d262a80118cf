/** An instruction of a Dockerfile, its lines joined. */
export interface Instruction {
  name: string
  text: string
}

/** The stages of a Dockerfile, each with its instructions. */
export function stagesOf (text: string): Instruction[][] {
  const lines = text.split('\n').filter(line => !line.startsWith('#') && line.trim() !== '').join('\n')
  const found = lines.replaceAll(/\s*\\\n\s*/g, ' ').split('\n').map(line => {
    const [, name, rest] = /^([A-Z]+) +(.+)$/.exec(line) ?? ['', '', line]
    return { name: name!, text: rest! }
  })
  const starts = found.flatMap(({ name }, place) => name === 'FROM' ? [place] : [])
  return starts.map((start, stage) => found.slice(start, starts[stage + 1]))
}

/** The texts of the instructions with this name. */
export const all = (stage: readonly Instruction[], name: string): string[] =>
  stage.filter(one => one.name === name).map(({ text }) => text)

/** The words of a command in exec form; null in any other form. */
export function execForm (command: string | undefined): string[] | null {
  const list = /^(?:--\S+ +)*(?:CMD +)?(\[.+\])$/.exec(command ?? '')?.[1]
  try {
    return list === undefined ? null : JSON.parse(list) as string[]
  } catch {
    return null
  }
}

type Rule = (stages: readonly Instruction[][], last: readonly Instruction[]) => boolean

const PINNED = /^[\w./-]+:\d+\.\d+\.\d+-[\w-]+(?: AS \w+)?$/
const runs = (stages: readonly Instruction[][]) => stages.flatMap(stage => all(stage, 'RUN'))

/** What a Dockerfile must be, by the words for one that is not. */
const RULES: Record<string, Rule> = {
  'an image without an exact version': stages =>
    stages.every(stage => all(stage, 'FROM').every(one => PINNED.test(one))),
  'runs as root': (_, last) => /^[1-9]\d*(?::[1-9]\d*)?$/.test(all(last, 'USER').at(-1) ?? ''),
  'root owns what comes after USER': (_, last) => {
    const user = last.findLastIndex(({ name }) => name === 'USER')
    return last.slice(user).every(({ name }) => name !== 'RUN' && name !== 'COPY')
  },
  'no health check in exec form': (_, last) => execForm(all(last, 'HEALTHCHECK')[0]) !== null,
  'a command in shell form': (_, last) =>
    ['ENTRYPOINT', 'CMD'].every(name => all(last, name).length === 1 && execForm(all(last, name)[0]) !== null),
  'nothing reaps processes': (_, last) => execForm(all(last, 'ENTRYPOINT')[0])?.[0] === 'tini',
  'npm at run time': (_, last) =>
    !['ENTRYPOINT', 'CMD', 'HEALTHCHECK'].some(name => /\bnp[mx]\b/.test(all(last, name).join(' '))),
  'lists of packages that stay': stages =>
    runs(stages).every(text => !text.includes('apt-get') || /--no-install-recommends .*rm -rf .*apt\/lists/.test(text)),
  'ADD where COPY is enough': stages => stages.every(stage => all(stage, 'ADD').length === 0),
  'a relative working folder': stages => stages.every(stage => all(stage, 'WORKDIR').every(one => one.startsWith('/'))),
  'a secret in the image': stages =>
    stages.every(stage => !/token|password|secret/i.test([...all(stage, 'ENV'), ...all(stage, 'ARG')].join(' '))),
  'a copy from a stage that is not there': stages => {
    const names = stages.map(stage => / AS (\w+)$/.exec(all(stage, 'FROM')[0]!)?.[1])
    const from = stages.flatMap(stage => all(stage, 'COPY')).flatMap(one => /--from=(\w+)/.exec(one)?.[1] ?? [])
    return from.every(name => names.includes(name))
  }
}

/** What is wrong with a Dockerfile. */
export function faultsOf (text: string): string[] {
  const stages = stagesOf(text)
  const last = stages.at(-1) ?? []
  return Object.entries(RULES).filter(([, rule]) => !rule(stages, last)).map(([words]) => words)
}
