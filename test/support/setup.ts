// Setup of every test file: silences tfjs's advice to install tfjs-node.
import * as tf from '@tensorflow/tfjs';

tf.env().set('IS_TEST', true);
