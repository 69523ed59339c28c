// The data sets that come with the library, put into the registry when this file is loaded.

import { registerDataset } from '../data/registry.ts';
import { scenesDescriptor } from '../data/scenesDataset.ts';
import { cifar100Descriptor, cifar10Descriptor } from './cifar.ts';
import { csvDescriptor } from './csvList.ts';
import {
  fractalFolderDescriptor,
  imageFolderDescriptor,
  imageNetDescriptor,
} from './imageFolders.ts';
import { mnistDescriptor } from './mnist.ts';

registerDataset(mnistDescriptor);
registerDataset(cifar10Descriptor);
registerDataset(cifar100Descriptor);
registerDataset(imageNetDescriptor);
registerDataset(imageFolderDescriptor);
registerDataset(fractalFolderDescriptor);
registerDataset(csvDescriptor);
registerDataset(scenesDescriptor);
