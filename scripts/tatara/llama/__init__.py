"""llama.cpp: conversion, quantization, models in process."""
