// All rows of `npm run badinputs`, in the order of the list of attacks.

import { answered, inOrder } from '../suites/row.ts';
import { checkpointRows } from './checkpoints.ts';
import { configRows } from './configs.ts';
import { dataRows } from './data.ts';
import { encoderRows } from './encoders.ts';
import { explainCommandRows } from './explainCommands.ts';
import { explanationRows } from './explanations.ts';
import { figureRows } from './figures.ts';
import { flagRows } from './flags.ts';
import { imageRows } from './images.ts';
import { libraryRows } from './library.ts';
import { modelRows } from './models.ts';
import { outputRows } from './outputs.ts';
import { pixelRows } from './pixels.ts';
import { safetensorsRows } from './safetensors.ts';
import type { Row } from '../suites/row.ts';

const pixelRow = (id: string, what: string): Row =>
  answered(
    id,
    what,
    'pixels reach a model as bytes of a decoded file or as arrays (I16-13, I16-30)',
  );

/** The rows on bad inputs. */
export const badInputRows: readonly Row[] = inOrder([
  ...imageRows,
  ...pixelRows,
  pixelRow('B21', 'NaN, infinities, −1 and 256 in raw pixels'),
  ...safetensorsRows,
  ...checkpointRows,
  ...dataRows,
  ...flagRows,
  ...configRows,
  ...encoderRows,
  ...explainCommandRows,
  ...explanationRows,
  ...figureRows,
  ...modelRows,
  ...outputRows,
  ...libraryRows,
]);
