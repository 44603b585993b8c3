#!/usr/bin/env node
/* The command `postern`: looks at Node first, then hands over to the compiled program. Plain JavaScript that Node 12 runs. */
import { existsSync } from 'fs';
import { fileURLToPath } from 'url';

import { preflight } from '../preflight.mjs';

const program = new URL('../../dist/src/cli/main.js', import.meta.url);
let sentence = preflight(process.version);
if (sentence === undefined && !existsSync(fileURLToPath(program))) {
  sentence = 'postern: the program is not built yet: run `npm run build` first (`npm start` does it too).';
}
if (sentence === undefined) {
  void import(program.href).then(function (main) {
    return main.run(process.argv);
  });
} else {
  process.stderr.write(sentence + '\n');
  process.exitCode = 1;
}
