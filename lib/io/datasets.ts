// The data sets that come with the library, put into the registry when this file is loaded.

import { registerDataset } from '../data/registry.ts';
import { mnistDescriptor } from './mnist.ts';

registerDataset(mnistDescriptor);
